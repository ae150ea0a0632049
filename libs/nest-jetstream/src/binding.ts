import { jetStream } from '@headwater/contracts';
import { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';

/** What the broker says about a declared consumer and its stream. Times are milliseconds. */
export interface Binding {
  ackPolicy: 'explicit' | 'all';
  ackWaitMs: number;
  /** Everything up to this stream sequence has been acked, or was never the consumer's. */
  ackFloor: number;
  /** First sequence that the stream still has; last + 1 when it is empty. */
  firstSequence: number;
  /** Messages not delivered yet. */
  pending: number;
  /** When stream and consumer were made: others mean that they are not the same any more. */
  incarnation: string;
}

/** Why a process can't take messages at present; the message is a sentence for readiness. Tried again for ever. */
export class BindingFault extends Error {
  override readonly name = 'BindingFault';
}

const apiError = z.object({ error: z.object({ code: z.number(), description: z.string() }) });

const consumerInfo = z.object({
  created: z.string(),
  config: z.object({
    ack_policy: z.string().default('none'),
    ack_wait: z.number().default(30e9),
    backoff: z.array(z.number()).default([]),
    deliver_subject: z.string().optional(),
    filter_subject: z.string().optional(),
    filter_subjects: z.array(z.string()).optional(),
  }),
  ack_floor: z.object({ stream_seq: z.number() }),
  num_pending: z.number().default(0),
});

const streamInfo = z.object({
  created: z.string(),
  state: z.object({ first_seq: z.number(), last_seq: z.number(), messages: z.number() }),
});

async function ask<Schema extends z.ZodType>(
  connection: NatsConnection,
  subject: string,
  schema: Schema,
  what: string,
  signal: AbortSignal | undefined,
): Promise<z.infer<Schema>> {
  let body: unknown;
  try {
    body = (await unlessAborted(connection.request(subject, '', { timeout: 5_000 }), signal)).json();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BindingFault(`JetStream does not answer about ${what}: ${reason}`, { cause });
  }
  const refusal = apiError.safeParse(body);
  if (refusal.success) {
    const { code, description } = refusal.data.error;
    throw new BindingFault(
      code === 404 ? `${what} does not exist; it must be declared` : `${what}: ${description}`,
    );
  }
  const answer = schema.safeParse(body);
  if (!answer.success) throw new BindingFault(`JetStream's answer about ${what} can't be read`);
  return answer.data;
}

/** A request whose connection is lost is never answered, and would be waited for until its timeout. */
function unlessAborted<T>(request: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return request;
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new Error('the connection was lost'));
    if (signal.aborted) lost();
    signal.addEventListener('abort', lost, { once: true });
    request.then(resolve, reject).finally(() => signal.removeEventListener('abort', lost));
  });
}

/**
 * Looks a declared pull consumer up; nothing is created.
 *
 * @param eventTypes types that must reach the consumer
 * @param signal ends the waiting for answers, when the connection is lost
 * @throws BindingFault when stream or consumer is missing or is declared in a way that can't be worked with
 */
export async function bind(
  connection: NatsConnection,
  stream: string,
  consumer: string,
  eventTypes: readonly string[] = [],
  signal?: AbortSignal,
): Promise<Binding> {
  const name = `consumer ${consumer} of stream ${stream}`;
  const [ofStream, ofConsumer] = await Promise.all([
    ask(connection, jetStream.streamInfo(stream), streamInfo, `stream ${stream}`, signal),
    ask(connection, jetStream.consumerInfo(stream, consumer), consumerInfo, name, signal),
  ]);
  const { config } = ofConsumer;
  if (config.deliver_subject)
    throw new BindingFault(`${name} is a push consumer; it must be a pull consumer`);
  if (config.ack_policy !== 'explicit' && config.ack_policy !== 'all') {
    throw new BindingFault(`${name} has ack policy ${config.ack_policy}; messages would be lost`);
  }
  const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
  const unheard = eventTypes.filter((type) => !delivers(filters, type));
  if (unheard.length > 0) throw new BindingFault(`${name} does not deliver ${unheard.join(', ')}`);
  const { state } = ofStream;
  return {
    ackPolicy: config.ack_policy,
    ackWaitMs: Math.min(config.ack_wait, ...config.backoff) / 1e6,
    ackFloor: ofConsumer.ack_floor.stream_seq,
    firstSequence: state.messages === 0 ? state.last_seq + 1 : state.first_seq,
    pending: ofConsumer.num_pending,
    incarnation: `${ofStream.created} ${ofConsumer.created}`,
  };
}

/** True when filters let an event type through, with its partition or bare. */
const delivers = (filters: readonly string[], eventType: string): boolean =>
  filters.length === 0 ||
  filters.some((filter) => matches(filter, eventType) || matches(filter, `${eventType}.00`));

function matches(filter: string, subject: string): boolean {
  const have = subject.split('.');
  const want = filter.split('.');
  for (const [index, token] of want.entries()) {
    if (token === '>') return have.length > index;
    if (token !== '*' && token !== have[index]) return false;
    if (have[index] === undefined) return false;
  }
  return have.length === want.length;
}
