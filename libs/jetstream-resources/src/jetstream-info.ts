import { z } from 'zod';

/** Configuration of a stream or consumer as the server holds it: snake_case names, durations in nanoseconds. */
export type ServerConfig = Readonly<Record<string, unknown>>;

const config = z.record(z.string(), z.unknown());
const cluster = z.object({
  name: z.string().optional(),
  leader: z.string().optional(),
  replicas: z
    .array(
      z.object({
        name: z.string(),
        current: z.boolean().optional(),
        offline: z.boolean().optional(),
        lag: z.number().optional(),
      }),
    )
    .optional(),
});
const source = z.object({
  name: z.string(),
  lag: z.number().optional(),
  active: z.number().optional(),
  error: z.unknown().optional(),
});
const position = z.object({
  consumer_seq: z.number(),
  stream_seq: z.number(),
  last_active: z.string().optional(),
});

/** A stream as the server describes it; counts and sequences are numbers, times RFC 3339 texts. */
export const streamInfo = z.object({
  config,
  created: z.string(),
  state: z.object({
    messages: z.number(),
    bytes: z.number(),
    first_seq: z.number(),
    last_seq: z.number(),
    consumer_count: z.number(),
    last_ts: z.string().optional(),
  }),
  cluster: cluster.optional(),
  mirror: source.optional(),
  sources: z.array(source).optional(),
  ts: z.string().optional(),
});
export type StreamInfo = z.infer<typeof streamInfo>;

/** A consumer as the server describes it. */
export const consumerInfo = z.object({
  stream_name: z.string(),
  name: z.string(),
  created: z.string(),
  config,
  delivered: position,
  ack_floor: position,
  num_ack_pending: z.number(),
  num_redelivered: z.number(),
  num_waiting: z.number(),
  num_pending: z.number(),
  cluster: cluster.optional(),
  push_bound: z.boolean().optional(),
  paused: z.boolean().optional(),
  pause_remaining: z.number().optional(),
  ts: z.string().optional(),
});
export type ConsumerInfo = z.infer<typeof consumerInfo>;

/** Replicas that keep up, of all: `3/3`. A server that is no member of a cluster counts as one. */
export function replicasText({ cluster: group }: Pick<StreamInfo, 'cluster'>): string {
  const others = group?.replicas ?? [];
  const current = others.filter((peer) => peer.current === true && peer.offline !== true).length;
  const leader = group === undefined || (group.leader ?? '') !== '' ? 1 : 0;
  return `${current + leader}/${others.length + 1}`;
}

/**
 * When the consumer is paused until, as RFC 3339; undefined when it delivers. The end stays in the configuration after it
 * has passed.
 */
export function pausedUntil(info: ConsumerInfo): string | undefined {
  const until = info.config['pause_until'];
  return info.paused === true && typeof until === 'string' ? until : undefined;
}
