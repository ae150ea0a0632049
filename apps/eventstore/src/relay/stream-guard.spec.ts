import { RetentionPolicy } from '@nats-io/jetstream';
import { expires, faultsOfStream } from './stream-guard';

const fit = { subjects: ['ORDERS.>'], retention: RetentionPolicy.Limits };
const faults = (config: object, firstSequence = 1): string[] =>
  faultsOfStream({ ...fit, ...config }, 'ORDERS', firstSequence);

test('a plain stream of the log is fit, and so is one whose first sequence is as declared', () => {
  expect(faults({})).toEqual([]);
  expect(faults({ first_seq: 1, sources: [], no_ack: false })).toEqual([]);
  expect(faults({ first_seq: 500 }, 500)).toEqual([]);
});

test.each<[object, RegExp]>([
  [{ sources: [{ name: 'X' }] }, /sources/],
  [{ mirror: { name: 'X' } }, /mirror/],
  [{ subject_transform: { src: '>', dest: 'x.>' } }, /transforms/],
  [{ no_ack: true }, /no_ack/],
  [{ subject_delete_marker_ttl: 1e9 }, /markers/],
  [{ allow_msg_ttl: true }, /time to live/],
  [{ allow_msg_schedules: true }, /schedules/],
  [{ allow_msg_counter: true }, /counter/],
  [{ allow_rollup_hdrs: true }, /roll-ups/],
  [{ sealed: true }, /sealed/],
  [{ subjects: ['ORDERS.>', 'other'] }, /subjects/],
  [{ subjects: ['ORDERS.created'] }, /subjects/],
  [{ first_seq: 100 }, /sequence 100/],
])('%j breaks the equality', (config, fault) => {
  expect(faults(config)).toEqual([expect.stringMatching(fault)]);
});

test('messages go by themselves only where a limit is declared', () => {
  expect(expires(fit)).toBe(false);
  expect(expires({ ...fit, max_bytes: -1, max_msgs: -1, max_age: 0 })).toBe(false);
  expect(expires({ ...fit, max_age: 1e9 })).toBe(true);
  expect(expires({ ...fit, retention: RetentionPolicy.Workqueue })).toBe(true);
});
