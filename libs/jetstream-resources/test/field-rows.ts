import { z } from 'zod';
import { CONSUMER_FIELDS } from '../src/consumer-spec';
import { OWNER_KEY } from '../src/mark';
import { STREAM_FIELDS } from '../src/stream-spec';

/**
 * One row per field: a value, what the server gets for it, and further values. Every test of the mapping, of random
 * specs against a server, and of the API server's rules takes its values from here.
 */
type Rows<Table extends Record<string, { type: z.ZodType }>> = {
  [Field in keyof Table]: [
    value: z.output<Table[Field]['type']>,
    sent: unknown,
    ...others: z.output<Table[Field]['type']>[],
  ];
};

/** The name that rows of streams are about; replaced where names have to differ. */
export const OWNER = 'me';

export const STREAM_ROWS: Rows<typeof STREAM_FIELDS> = {
  name: ['S', 'S'],
  description: ['text', 'text', '', 'Ünïcödé'],
  subjects: [['S.a.>'], ['S.a.>'], ['S.b.*', 'S.c'], ['S.d']],
  retention: ['interest', 'interest', 'limits', 'workqueue'],
  maxConsumers: [5, 5, -1, 0],
  maxMsgs: [10, 10, -1, 0],
  maxMsgsPerSubject: [3, 3, -1, 0],
  maxBytes: [1024, 1024, -1, 0, 1_000_000],
  maxAge: ['24h', 86_400e9, '0', '1s', '1h30m', '8760h', '1500ms'],
  maxMsgSize: [512, 512, -1, 0],
  storage: ['memory', 'memory', 'file'],
  discard: ['new', 'new', 'old'],
  discardPerSubject: [true, true, false],
  replicas: [3, 3, 1],
  noAck: [true, true, false],
  duplicateWindow: ['2s', 2e9, '0s', '1s', '30m'],
  placement: [
    { cluster: 'east', tags: ['ssd'] },
    { cluster: 'east', tags: ['ssd'] },
    { tags: ['a', 'b'] },
    { cluster: '' },
  ],
  mirror: [
    { name: 'O', filterSubject: 'a.>', externalApiPrefix: '$JS.hub.API', externalDeliverPrefix: 'hub' },
    { name: 'O', filter_subject: 'a.>', external: { api: '$JS.hub.API', deliver: 'hub' } },
    { name: 'O' },
    { name: 'P', optStartSeq: 5 },
    { name: 'P', subjectTransforms: [{ source: 'a.*', dest: 'b.{{wildcard(1)}}' }] },
  ],
  sources: [
    [
      { name: 'O', optStartSeq: 5, subjectTransforms: [{ source: 'a.*', dest: 'b.{{wildcard(1)}}' }] },
      { name: 'P', consumer: { name: 'c', deliverSubject: 'd' } },
      { name: 'Q', optStartTime: '2026-01-02T03:04:05Z' },
    ],
    [
      { name: 'O', opt_start_seq: 5, subject_transforms: [{ src: 'a.*', dest: 'b.{{wildcard(1)}}' }] },
      { name: 'P', consumer: { name: 'c', deliver_subject: 'd' } },
      { name: 'Q', opt_start_time: '2026-01-02T03:04:05Z' },
    ],
    [{ name: 'O' }],
    [{ name: 'P', filterSubject: 'x' }, { name: 'O' }],
    [{ name: 'P', optStartTime: '2026-01-02T04:04:05.5+01:00' }],
  ],
  mirrorDirect: [true, true, false],
  compression: ['s2', 's2', 'none'],
  subjectTransform: [
    { source: 'S.a.*', dest: 'S.b.{{wildcard(1)}}' },
    { src: 'S.a.*', dest: 'S.b.{{wildcard(1)}}' },
    { dest: 'T.>' },
    { source: 'S.c', dest: 'S.e' },
  ],
  republish: [
    { destination: 'copy.>', headersOnly: true },
    { src: '>', dest: 'copy.>', headers_only: true },
    { source: 'S.a.>', destination: 'copy.>' },
    { source: '>', destination: 'other.>', headersOnly: false },
  ],
  firstSequence: [100, 100, 0, 1],
  allowDirect: [true, true, false],
  allowRollup: [true, true, false],
  denyDelete: [true, true, false],
  denyPurge: [true, true, false],
  sealed: [true, true, false],
  consumerLimits: [
    { inactiveThreshold: '1h', maxAckPending: 50 },
    { inactive_threshold: 3600e9, max_ack_pending: 50 },
    { maxAckPending: -1 },
    {},
  ],
  allowMsgTtl: [true, true, false],
  subjectDeleteMarkerTtl: ['1m', 60e9, '0', '1s'],
  allowMsgCounter: [true, true, false],
  allowAtomicPublish: [true, true, false],
  allowMsgSchedules: [true, true, false],
  allowBatched: [true, true, false],
  persistMode: ['async', 'async', 'default'],
  metadata: [{ team: 'a' }, { team: 'a', [OWNER_KEY]: OWNER }, {}, { 'a.b/c': '', team: 'b' }],
};

export const CONSUMER_ROWS: Rows<typeof CONSUMER_FIELDS> = {
  durableName: ['C', 'C'],
  description: ['text', 'text', ''],
  ackPolicy: ['all', 'all', 'explicit', 'none', 'flow_control'],
  ackWait: ['45s', 45e9, '0', '1s', '1500ms'],
  maxDeliver: [5, 5, -1, 0, 1],
  backoff: [['1s', '5s'], [1e9, 5e9], ['45s'], ['1500ms', '1s', '1m']],
  filterSubject: ['C.a', 'C.a', 'C.a.*'],
  filterSubjects: [['C.a', 'C.a.*'], ['C.a', 'C.a.*'], ['C.b']],
  deliverPolicy: [
    'lastPerSubject',
    'last_per_subject',
    'all',
    'last',
    'new',
    'byStartSequence',
    'byStartTime',
  ],
  optStartSeq: [7, 7, 5],
  optStartTime: ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.5+01:00'],
  replayPolicy: ['original', 'original', 'instant'],
  maxAckPending: [2000, 2000, -1, 0, 1],
  maxWaiting: [9, 9, 512],
  maxRequestBatch: [50, 50, 1],
  maxRequestExpires: ['1m', 60e9, '0', '1s'],
  maxRequestMaxBytes: [4096, 4096],
  inactiveThreshold: ['1h', 3600e9, '0s'],
  headersOnly: [true, true, false],
  sampleFreq: ['50%', '50%', '100'],
  replicas: [1, 1, 0],
  memStorage: [true, true, false],
  deliverSubject: ['push.here', 'push.here', 'push.there'],
  deliverGroup: ['group', 'group'],
  flowControl: [true, true, false],
  heartbeatInterval: ['5s', 5e9, '1s', '0'],
  rateLimitBps: [1_000_000, 1_000_000, 0],
  priorityPolicy: ['pinned_client', 'pinned_client', 'none', 'overflow', 'prioritized'],
  priorityGroups: [['g'], ['g'], ['g', 'h']],
  pinnedTtl: ['2m', 120e9, '10s'],
  metadata: [{ team: 'a' }, { team: 'a', [OWNER_KEY]: OWNER }, {}, { 'a.b/c': '' }],
};
