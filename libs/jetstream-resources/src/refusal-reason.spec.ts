import { JetStreamRefusal } from './jetstream-refusal';
import { desiredConsumer, desiredStream } from './manifest';
import { refusalReason } from './refusal-reason';

const stream = desiredStream(
  { name: 'S', maxAge: '1h', duplicateWindow: '2h', placement: { tags: ['x'] } },
  'me',
);
const consumer = desiredConsumer({ streamName: 'S', durableName: 'c', filterSubject: 'a' }, 'me');

/** What the server says, as its sources have it. */
test.each<[number, string, typeof stream, reason: string, fields: string[], terminal: boolean]>([
  [10065, 'subjects overlap with an existing stream', stream, 'SubjectsOverlap', ['spec.subjects'], true],
  [
    10052,
    'duplicates window can not be larger then max age',
    stream,
    'ServerRefused',
    ['spec.duplicateWindow'],
    true,
  ],
  [10005, 'no suitable peers for placement, tags not matched', stream, 'NoPeers', ['spec.placement'], false],
  [10074, 'replicas > 1 not supported in non-clustered mode', stream, 'NoPeers', ['spec.replicas'], true],
  [10008, 'JetStream system temporarily unavailable', stream, 'Unavailable', [], false],
  [10028, 'insufficient memory resources available', stream, 'LimitReached', ['spec.changed'], false],
  [10124, 'stream move already in progress', stream, 'MoveInProgress', ['spec.changed'], false],
  [10059, 'stream not found', consumer, 'StreamNotReady', ['spec.streamName'], false],
  [10138, 'consumer subject filters cannot overlap', consumer, 'ServerRefused', ['spec.filterSubject'], true],
  [10098, 'workqueue stream requires explicit ack', consumer, 'ServerRefused', ['spec.ackPolicy'], true],
  [99999, 'something that nobody has thought of', stream, 'ServerRefused', ['spec.changed'], true],
])('%d %s', (code, description, desired, reason, fields, terminal) => {
  const refusal = new JetStreamRefusal('STREAM.UPDATE.S', code, description);
  expect(refusalReason(refusal, desired, ['spec.changed'])).toEqual({ reason, fields, terminal });
});
