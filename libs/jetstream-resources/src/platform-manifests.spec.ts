import { join } from 'node:path';
import {
  CONSUMERS,
  filterSubjects,
  LOGS,
  NATS_USERS,
  ORDER_EVENTS,
  jetStream,
  streamSubject,
} from '@headwater/contracts';
import { Manifest } from './manifest';
import { readManifests } from './read-manifests';

let manifests: Manifest[];
beforeAll(async () => {
  manifests = await readManifests([join(__dirname, '../../../k8s/jetstream')]);
});

const streams = () => manifests.flatMap((manifest) => (manifest.kind === 'Stream' ? [manifest.spec] : []));
const consumers = () =>
  manifests.flatMap((manifest) => (manifest.kind === 'Consumer' ? [manifest.spec] : []));
const consumer = (streamName: string, durableName: string) =>
  consumers().find((spec) => spec.streamName === streamName && spec.durableName === durableName);

test('each log has its stream, fit for the relay', () => {
  expect(streams().map(({ name }) => name)).toEqual(Object.values(LOGS));
  for (const spec of streams()) {
    expect(spec).toMatchObject({
      subjects: [streamSubject(spec.name)],
      denyPurge: true,
      denyDelete: true,
      duplicateWindow: '2s',
    });
    expect(spec.firstSequence).toBeUndefined();
  }
});

test('the consumers are those that the users may use', () => {
  const allowed = Object.values(NATS_USERS).flatMap(({ publish }: { publish: string[] }) =>
    publish.flatMap((subject) => {
      const [, stream, durable] = /^\$JS\.API\.CONSUMER\.MSG\.NEXT\.([^.]+)\.([^.]+)$/.exec(subject) ?? [];
      return stream !== undefined && durable !== undefined ? [jetStream.next(stream, durable)] : [];
    }),
  );
  const declared = consumers().map(({ streamName, durableName }) => jetStream.next(streamName, durableName));
  expect(declared.sort()).toEqual(allowed.sort());
});

test('every consumer delivers until handled, and says how long it waits for an ack', () => {
  for (const spec of consumers()) expect(spec).toMatchObject({ maxDeliver: -1, ackWait: '5s' });
});

test('filters name event types with and without partition', () => {
  const both = (...types: string[]): string[] => types.flatMap(filterSubjects);
  expect(consumer(LOGS.orders, CONSUMERS.payment)?.filterSubjects).toEqual(
    both(ORDER_EVENTS.created.type, ORDER_EVENTS.voidrequested.type),
  );
  expect(consumer(LOGS.orders, CONSUMERS.review)?.filterSubjects).toEqual(
    both(ORDER_EVENTS.paymentdebited.type),
  );
  expect(consumer(LOGS.orders, CONSUMERS.projection)?.filterSubjects).toBeUndefined();
  expect(consumer(LOGS.orders, CONSUMERS.coordinator)?.filterSubjects).toBeUndefined();
  for (const name of [CONSUMERS.payment, CONSUMERS.review, CONSUMERS.coordinator]) {
    expect(consumer(LOGS.deadLetters, name)?.filterSubjects).toEqual(both('DEADLETTERS.redriven'));
  }
});
