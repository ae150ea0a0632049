import { ConsumerInfo, pausedUntil, replicasText } from './jetstream-info';

const peer = (name: string, more: object = {}) => ({ name, current: true, ...more });

test.each<[string, Parameters<typeof replicasText>[0]]>([
  ['1/1', {}],
  ['1/1', { cluster: { leader: 'a' } }],
  ['3/3', { cluster: { leader: 'a', replicas: [peer('b'), peer('c')] } }],
  ['2/3', { cluster: { leader: 'a', replicas: [peer('b'), peer('c', { offline: true })] } }],
  ['2/3', { cluster: { leader: 'a', replicas: [peer('b'), peer('c', { current: false, lag: 9 })] } }],
  ['2/3', { cluster: { replicas: [peer('b'), peer('c')] } }],
])('%s replicas keep up', (text, info) => {
  expect(replicasText(info)).toBe(text);
});

test('a pause counts while the server says so', () => {
  const at = { consumer_seq: 0, stream_seq: 0 };
  const info: ConsumerInfo = {
    stream_name: 'S',
    name: 'c',
    created: '2026-01-02T03:04:05Z',
    config: { pause_until: '2026-01-02T03:04:05Z' },
    delivered: at,
    ack_floor: at,
    num_ack_pending: 0,
    num_redelivered: 0,
    num_waiting: 0,
    num_pending: 0,
  };
  expect(pausedUntil(info)).toBeUndefined();
  expect(pausedUntil({ ...info, paused: true })).toBe('2026-01-02T03:04:05Z');
});
