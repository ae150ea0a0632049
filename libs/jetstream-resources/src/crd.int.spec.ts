import * as fc from 'fast-check';
import { describeWithControlPlane, startTestControlPlane, TestControlPlane } from '@headwater/testing';
import { consumerSpecs, named, policies, streamSpecs } from '../test/arbitraries';
import { CONNECTION_RULES, connectionSpec } from './connection-spec';
import { CONSUMER_RULES, CONSUMER_TRANSITIONS } from './consumer-rules';
import { consumerSpec } from './consumer-spec';
import { customResourceDefinition, DEFINITIONS } from './crd';
import { API_VERSION } from './kinds';
import { STREAM_RULES, STREAM_TRANSITIONS } from './stream-rules';
import { SOURCE_RULES } from './stream-source';
import { streamSpec } from './stream-spec';

type Spec = Record<string, unknown>;
const RUNS = Number(process.env['HEADWATER_PROPERTY_RUNS'] ?? 100);
type Kind = 'Stream' | 'Consumer' | 'Connection';

const SCHEMAS = { Stream: streamSpec, Consumer: consumerSpec, Connection: connectionSpec };
const LEAST: Record<Kind, Spec> = {
  Stream: { name: 'S' },
  Consumer: { streamName: 'S', durableName: 'C' },
  Connection: { servers: ['nats://nats:4222'] },
};

/** A bad spec for each rule, and something of the sentence that it is refused with. */
const BAD: [Kind, sentence: string, Spec][] = [
  ['Stream', 'a mirror has no subjects', { mirror: { name: 'O' }, subjects: ['a'] }],
  ['Stream', 'a mirror can not have sources', { mirror: { name: 'O' }, sources: [{ name: 'P' }] }],
  ['Stream', 'a mirror has the sequences of its origin', { mirror: { name: 'O' }, firstSequence: 5 }],
  ['Stream', 'a mirror excludes allowMsgCounter', { mirror: { name: 'O' }, allowBatched: true }],
  ['Stream', 'a mirror writes no markers', { mirror: { name: 'O' }, subjectDeleteMarkerTtl: '1m' }],
  ['Stream', 'a roll-up purges', { denyPurge: true, allowRollup: true }],
  ['Stream', 'markers need roll-ups', { denyPurge: true, subjectDeleteMarkerTtl: '1m' }],
  ['Stream', 'schedules need roll-ups', { allowMsgSchedules: true, allowRollup: false }],
  ['Stream', 'schedules exclude discard: new', { allowMsgSchedules: true, discard: 'new' }],
  ['Stream', 'needs discard: new and a maxMsgsPerSubject', { discardPerSubject: true, discard: 'new' }],
  ['Stream', 'must not be longer than maxAge', { duplicateWindow: '3m', maxAge: '2m' }],
  ['Stream', 'counters need retention: limits', { allowMsgCounter: true, retention: 'interest' }],
  ['Stream', 'async needs storage: file', { persistMode: 'async', storage: 'memory' }],
  ['Stream', 'to keep every subject', { subjects: ['>'] }],
  ['Stream', 'a sealed stream loses nothing', { sealed: true, maxAge: '1h' }],
  ['Stream', 'must be 0 or at least 100ms', { maxAge: '5ms' }],
  ['Stream', 'must be 876000h or less', { maxAge: '900000h' }],
  ['Stream', 'keys must not be empty or begin with _nats', { metadata: { '_nats.x': 'y' } }],
  [
    'Stream',
    'give optStartSeq or optStartTime',
    { sources: [{ name: 'O', optStartSeq: 1, optStartTime: '2026-01-02T03:04:05Z' }] },
  ],
  [
    'Stream',
    'give filterSubject or subjectTransforms',
    { mirror: { name: 'O', filterSubject: 'a', subjectTransforms: [{ dest: 'b' }] } },
  ],
  ['Stream', 'needs externalApiPrefix', { mirror: { name: 'O', externalDeliverPrefix: 'hub' } }],
  [
    'Stream',
    'the consumer itself says them',
    { mirror: { name: 'O', optStartSeq: 4, consumer: { name: 'c', deliverSubject: 'd' } } },
  ],
  ['Consumer', 'give filterSubject or filterSubjects', { filterSubject: 'a', filterSubjects: ['b'] }],
  ['Consumer', 'must not have more steps than maxDeliver', { backoff: ['1s', '2s'], maxDeliver: 1 }],
  ['Consumer', 'must equal the first step of backoff', { backoff: ['1s'], ackWait: '2s' }],
  ['Consumer', 'goes with deliverPolicy: byStartSequence', { optStartSeq: 4 }],
  ['Consumer', 'goes with deliverPolicy: byStartTime', { deliverPolicy: 'byStartTime' }],
  ['Consumer', 'lastPerSubject needs', { deliverPolicy: 'lastPerSubject' }],
  ['Consumer', 'deliverGroup is for push', { deliverGroup: 'g' }],
  ['Consumer', 'flowControl is for push', { flowControl: false }],
  ['Consumer', 'heartbeatInterval is for push', { heartbeatInterval: '5s' }],
  ['Consumer', 'rateLimitBps is for push', { rateLimitBps: 5 }],
  ['Consumer', 'maxWaiting is for pull', { deliverSubject: 'd', maxWaiting: 5 }],
  ['Consumer', 'maxRequestBatch is for pull', { deliverSubject: 'd', maxRequestBatch: 5 }],
  ['Consumer', 'maxRequestExpires is for pull', { deliverSubject: 'd', maxRequestExpires: '5s' }],
  ['Consumer', 'maxRequestMaxBytes is for pull', { deliverSubject: 'd', maxRequestMaxBytes: 5 }],
  [
    'Consumer',
    'priorityGroups is for pull',
    { deliverSubject: 'd', priorityGroups: ['g'], priorityPolicy: 'overflow' },
  ],
  ['Consumer', 'needs a heartbeatInterval', { deliverSubject: 'd', flowControl: true }],
  ['Consumer', 'flow_control needs deliverSubject', { ackPolicy: 'flow_control' }],
  ['Consumer', 'has nothing pending', { deliverSubject: 'd', ackPolicy: 'none', maxAckPending: 5 }],
  ['Consumer', 'go together', { priorityPolicy: 'overflow' }],
  [
    'Consumer',
    'goes with priorityPolicy: pinned_client',
    { priorityPolicy: 'pinned_client', priorityGroups: ['g'] },
  ],
  ['Consumer', 'must be a percentage', { sampleFreq: 'often' }],
  ['Connection', 'give exactly one of', { credentials: { creds: { name: 'a' }, token: { name: 'b' } } }],
];

/** A change that each transition rule refuses. */
const BAD_CHANGES: [Kind, sentence: string, from: Spec, to: Spec][] = [
  ['Stream', 'the name of a stream never changes', {}, { name: 'T' }],
  ['Stream', 'storage never changes', {}, { storage: 'memory' }],
  ['Stream', 'persistMode never changes', { persistMode: 'async' }, {}],
  ['Stream', 'allowMsgCounter never changes', {}, { allowMsgCounter: true }],
  ['Stream', 'firstSequence never changes', { firstSequence: 5 }, { firstSequence: 6 }],
  ['Stream', 'does not change to or from workqueue', { retention: 'workqueue' }, {}],
  ['Stream', 'never added or changed', {}, { mirror: { name: 'O' } }],
  ['Stream', 'denyDelete stays on', { denyDelete: true }, {}],
  ['Stream', 'denyPurge stays on', { denyPurge: true }, { denyPurge: false }],
  ['Stream', 'a sealed stream stays sealed', { sealed: true }, {}],
  ['Stream', 'message TTLs stay on', { allowMsgTtl: true }, {}],
  ['Stream', 'message TTLs stay on', { subjectDeleteMarkerTtl: '1m' }, {}],
  ['Stream', 'allowMsgSchedules stays on', { allowMsgSchedules: true }, {}],
  ['Consumer', 'never changes its stream', {}, { streamName: 'T' }],
  ['Consumer', 'the name of a consumer never changes', {}, { durableName: 'D' }],
  ['Consumer', 'deliverPolicy never changes', {}, { deliverPolicy: 'new' }],
  [
    'Consumer',
    'optStartSeq never changes',
    { deliverPolicy: 'byStartSequence', optStartSeq: 4 },
    { deliverPolicy: 'byStartSequence', optStartSeq: 5 },
  ],
  [
    'Consumer',
    'optStartTime never changes',
    { deliverPolicy: 'byStartTime', optStartTime: '2026-01-02T03:04:05Z' },
    { deliverPolicy: 'byStartTime', optStartTime: '2026-01-02T03:04:06Z' },
  ],
  ['Consumer', 'ackPolicy never changes', {}, { ackPolicy: 'all' }],
  ['Consumer', 'replayPolicy never changes', {}, { replayPolicy: 'original' }],
  ['Consumer', 'memStorage never changes', { memStorage: true }, {}],
  [
    'Consumer',
    'flowControl never changes',
    { deliverSubject: 'd', heartbeatInterval: '5s' },
    { deliverSubject: 'd', heartbeatInterval: '5s', flowControl: true },
  ],
  [
    'Consumer',
    'heartbeatInterval never changes',
    { deliverSubject: 'd', heartbeatInterval: '5s' },
    { deliverSubject: 'd' },
  ],
  ['Consumer', 'maxWaiting never changes', {}, { maxWaiting: 5 }],
  ['Consumer', 'does not become a push consumer', {}, { deliverSubject: 'd' }],
];

/** Changes that must be let through. */
const GOOD_CHANGES: [Kind, from: Spec, to: Spec][] = [
  ['Stream', { maxAge: '1h', allowDirect: true }, { maxMsgs: 5 }],
  ['Stream', { storage: 'file', firstSequence: 0 }, { firstSequence: 1 }],
  ['Stream', { mirror: { name: 'O' } }, { subjects: ['a'] }],
  ['Stream', { retention: 'limits' }, { retention: 'interest', denyPurge: true }],
  [
    'Consumer',
    { ackPolicy: 'explicit', maxWaiting: 512 },
    { ackWait: '5s', pauseUntil: '2030-01-02T03:04:05Z' },
  ],
  ['Consumer', { deliverSubject: 'd' }, { deliverSubject: 'e' }],
];

test('every rule has an example', () => {
  const sentences = [...BAD, ...BAD_CHANGES].map(([, sentence]) => sentence);
  const rules = [
    ...STREAM_RULES,
    ...SOURCE_RULES,
    ...STREAM_TRANSITIONS,
    ...CONSUMER_RULES,
    ...CONSUMER_TRANSITIONS,
    ...CONNECTION_RULES,
  ];
  for (const { message } of rules)
    expect([message, sentences.some((sentence) => message.includes(sentence))]).toEqual([message, true]);
});

test.each(BAD)('%s: %s, says the command line', (kind, sentence, spec) => {
  const result = SCHEMAS[kind].safeParse({ ...LEAST[kind], ...spec });
  expect(result.error?.issues.map(({ message }) => message).join('; ')).toContain(sentence);
});

describeWithControlPlane('the API server', () => {
  let plane: TestControlPlane;
  let namespace: string;
  beforeAll(async () => {
    plane = await startTestControlPlane();
    await plane.installCrds(...DEFINITIONS.map(customResourceDefinition));
    namespace = await plane.createNamespace();
  });
  afterAll(() => plane?.stop());

  let names = 0;
  const path = (kind: Kind): string => `/apis/${API_VERSION}/namespaces/${namespace}/${kind.toLowerCase()}s`;
  const manifest = (kind: Kind, spec: Spec, name: string): object => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name },
    spec,
  });
  const create = (kind: Kind, spec: Spec, { dryRun = true, name = `x-${++names}` } = {}) =>
    plane.request({
      method: 'POST',
      path: `${path(kind)}?fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`,
      body: manifest(kind, spec, name),
    });
  /** As an edit: the whole spec anew. */
  const change = async (kind: Kind, from: Spec, to: Spec): Promise<Record<string, unknown>> => {
    const name = `x-${++names}`;
    const made = await create(kind, { ...LEAST[kind], ...from }, { dryRun: false, name });
    return plane.request({
      method: 'PUT',
      path: `${path(kind)}/${name}?dryRun=All`,
      body: { ...made, spec: { ...LEAST[kind], ...to } },
    });
  };

  test.each(BAD)('%s: %s', async (kind, sentence, spec) => {
    const refused = create(kind, { ...LEAST[kind], ...spec });
    // A pattern is told by the API server as it stands in the schema.
    await expect(refused).rejects.toThrow(
      sentence.startsWith('must be a percentage') ? 'sampleFreq' : sentence,
    );
  });

  test.each(BAD_CHANGES)('%s: %s', async (kind, sentence, from, to) => {
    await expect(change(kind, from, to)).rejects.toThrow(sentence);
  });

  test.each(GOOD_CHANGES)(
    '%s: a change that JetStream can make is let through (%j, %j)',
    async (kind, from, to) => {
      await expect(change(kind, from, to)).resolves.toMatchObject({ kind });
    },
  );

  test('fills in the defaults, and keeps what a status says', async () => {
    const made = await create('Stream', { name: 'DEFAULTS' }, { dryRun: false, name: 'defaults' });
    expect(made['spec']).toEqual({
      name: 'DEFAULTS',
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      compression: 'none',
      persistMode: 'default',
      managementPolicy: 'Enforce',
      adoptionPolicy: 'IfUnowned',
      deletionPolicy: 'Retain',
      recreatePolicy: 'Always',
    });
    const status = {
      observedGeneration: 1,
      created: '2026-01-02T03:04:05.123456789Z',
      messages: 7,
      replicas: '3/3',
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Converged',
          message: 'is as declared',
          lastTransitionTime: '2026-01-02T03:04:05Z',
        },
      ],
    };
    const written = await plane.request({
      method: 'PATCH',
      path: `${path('Stream')}/defaults/status`,
      body: { status },
      contentType: 'application/merge-patch+json',
    });
    expect(written['status']).toEqual(status);
  });

  test.each<[Kind, fc.Arbitrary<Spec>]>([
    ['Stream', streamSpecs.map((spec) => named(spec, 'S'))],
    ['Consumer', consumerSpecs.map((spec) => ({ ...LEAST.Consumer, ...spec }))],
  ])('%s: admits what the command line admits, and nothing else', async (kind, specs) => {
    await fc.assert(
      fc.asyncProperty(specs, policies, async (spec, policy) => {
        const whole = { ...spec, ...policy };
        const local = SCHEMAS[kind].safeParse(whole);
        const answer = await create(kind, whole).then(
          () => 'admitted',
          (error: Error) => error.message,
        );
        expect([answer === 'admitted', answer, whole]).toEqual([local.success, answer, whole]);
      }),
      { numRuns: RUNS },
    );
  });

  test.each<[Kind, fc.Arbitrary<Spec>]>([
    ['Stream', streamSpecs],
    ['Consumer', consumerSpecs],
  ])('%s: refuses the changes that the rules refuse, and no others', async (kind, specs) => {
    const rules: readonly { holds(spec: never, before: never): boolean }[] =
      kind === 'Stream' ? STREAM_TRANSITIONS : CONSUMER_TRANSITIONS;
    const valid = specs.filter((spec) => SCHEMAS[kind].safeParse({ ...LEAST[kind], ...spec }).success);
    await fc.assert(
      fc.asyncProperty(valid, valid, async (from, to) => {
        const holds = rules.every((rule) => rule.holds(to as never, from as never));
        const answer = await change(kind, from, to).then(
          () => 'admitted',
          (error: Error) => error.message,
        );
        expect([answer === 'admitted', answer]).toEqual([holds, answer]);
      }),
      { numRuns: RUNS / 2 },
    );
  });
});
