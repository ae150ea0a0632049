import { Convergence } from './convergence';
import { JetStreamApi } from './jetstream-api';
import { ConsumerInfo, ServerConfig, StreamInfo } from './jetstream-info';
import { CODE, JetStreamRefusal } from './jetstream-refusal';
import { Desired } from './manifest';
import { metadataOf, RESET_KEY } from './mark';
import { changesOf, differing, needsLevel, plan, PlanContext } from './plan';
import { Policies } from './policies';
import { refusalReason } from './refusal-reason';
import { ackFloorOf, finishReset, Known } from './resume';
import { comparable, ComparedField } from './server-config';
import { beginPause, create, endPause, update } from './write';

export interface ConvergeOptions {
  /** Those of the manifest when not given. */
  policies?: Policies;
  /** What a status has remembered of it, so that a consumer that was deleted goes on behind its ack floor. */
  known?: Known;
  /** It has been there before, as our status remembers. */
  previouslySeen?: boolean;
  /** Says what would be done and does nothing. */
  dryRun?: boolean;
  /** The object as the caller has just read it, `null` when it is not there; saves the reading. */
  observed?: StreamInfo | ConsumerInfo | null;
}

type Info = StreamInfo | ConsumerInfo;

/** Refusals that mean that the object has come or gone since it was read. */
const RACES: ReadonlySet<number> = new Set([
  CODE.streamNameInUse,
  CODE.consumerNameInUse,
  CODE.consumerExists,
  CODE.consumerDoesNotExist,
  CODE.consumerNotFound,
]);

/**
 * Makes the server hold what is declared, as far as the policies allow, and writes nothing when nothing differs.
 *
 * @throws when the server does not answer; what it refuses is told in the result
 */
export async function converge(
  api: JetStreamApi,
  desired: Desired,
  options: ConvergeOptions = {},
): Promise<Convergence> {
  try {
    return await attempt(api, desired, options);
  } catch (error) {
    if (!(error instanceof JetStreamRefusal)) throw error;
    if (!RACES.has(error.code)) return refused(desired, error, []);
  }
  try {
    return await attempt(api, desired, withoutObserved(options));
  } catch (error) {
    if (!(error instanceof JetStreamRefusal)) throw error;
    return refused(desired, error, []);
  }
}

/**
 * True when an object, as a list has just told it, needs no pass: nothing of it differs, its mark and its pause included.
 * Asks the server nothing.
 */
export function isAsDeclared(
  api: JetStreamApi,
  desired: Desired,
  config: ServerConfig,
  policies: Policies = desired.policies,
): boolean {
  const accepts = (field: ComparedField, held: string | undefined): boolean =>
    api.defaults.has(desired.kind, field, held);
  const planned = plan(desired, config, { policies, previouslySeen: true, accepts });
  return planned.action === 'none' || (planned.action === 'observe' && planned.fields.length === 0);
}

const withoutObserved = ({ observed: _stale, ...options }: ConvergeOptions): ConvergeOptions => options;

async function attempt(api: JetStreamApi, desired: Desired, options: ConvergeOptions): Promise<Convergence> {
  const observed =
    options.observed === undefined ? await read(api, desired) : (options.observed ?? undefined);
  const context = await contextOf(api, desired, observed, options);
  const planned = plan(desired, observed?.config, context);
  const seen = observed === undefined ? {} : { observed };
  const told = (rest: Omit<Convergence, 'terminal'> & { terminal?: boolean }): Convergence => ({
    terminal: false,
    ...seen,
    ...rest,
  });
  switch (planned.action) {
    case 'none':
      return told({ outcome: 'unchanged', reason: 'Converged', message: 'is as declared', fields: [] });
    case 'observe':
      return told({
        outcome: 'observed',
        reason: planned.reason,
        fields: planned.fields,
        message:
          planned.fields.length === 0
            ? 'is as declared'
            : `differs from what is declared: ${describe(desired, observed?.config ?? {}, planned.fields)}; managementPolicy ${context.policies.managementPolicy} leaves it so`,
      });
    case 'missing':
      return told({
        outcome: 'missing',
        reason: 'Missing',
        fields: [],
        terminal: true,
        message:
          context.policies.managementPolicy === 'Observe'
            ? 'does not exist, and managementPolicy Observe does not make it'
            : 'has been deleted by somebody else, and recreatePolicy Never does not make it again',
      });
    case 'refused':
      return told({
        outcome: 'refused',
        reason: planned.reason,
        message: planned.message,
        fields: planned.fields,
        terminal: true,
      });
    case 'create':
    case 'update': {
      const fields = planned.action === 'update' ? planned.fields : [];
      const done = (written?: Info): Convergence => {
        const what = planned.action === 'create' ? createdAs(options, written) : updatedAs(planned);
        return told({ ...what, fields, ...(written === undefined ? {} : { observed: written }) });
      };
      if (options.dryRun) return done();
      try {
        const held = observed;
        const written =
          planned.action === 'create' || held === undefined
            ? await create(api, desired, options.known)
            : await change(api, desired, held);
        if (written === 'moving') return told({ ...MOVING, fields });
        const taken = await readBack(api, desired, written, context);
        if (taken.missing.length === 0) return done(taken.info);
        const names = taken.missing.map(({ field }) => field);
        return told({
          outcome: 'refused',
          reason: 'ServerRefused',
          terminal: true,
          fields: names,
          observed: taken.info,
          message: `the server answered ok and did not take ${describe(desired, taken.info.config, names)}; it may be too old, or have a limit of its own`,
        });
      } catch (error) {
        if (!(error instanceof JetStreamRefusal) || RACES.has(error.code)) throw error;
        return { ...refused(desired, error, fields.length > 0 ? fields : declaredFields(desired)), ...seen };
      }
    }
  }
}

const MOVING = {
  outcome: 'waiting',
  reason: 'MoveInProgress',
  message:
    'its replicas are on the way to other servers; what else has changed follows when they have arrived',
} as const;

const createdAs = ({ previouslySeen }: ConvergeOptions, written: Info | undefined) =>
  previouslySeen
    ? ({
        outcome: 'created',
        reason: 'Recreated',
        message: `had been deleted and has been made again${withWhat(written)}`,
      } as const)
    : ({ outcome: 'created', reason: 'Created', message: 'has been made' } as const);

/** What has become of its content. */
function withWhat(written: Info | undefined): string {
  if (written === undefined) return '';
  if ('state' in written) return `; it holds ${written.state.messages} messages`;
  const floor = ackFloorOf(written);
  return floor > 0 ? `; it goes on behind sequence ${floor}` : '; it begins as declared';
}

const updatedAs = ({ adopts, fields }: { adopts: boolean; fields: readonly string[] }) =>
  adopts
    ? ({ outcome: 'updated', reason: 'Adopted', message: 'existed already and has been taken over' } as const)
    : ({ outcome: 'updated', reason: 'Updated', message: `has been changed: ${fields.join(', ')}` } as const);

/** @throws JetStreamRefusal 10059 when the stream of a consumer is missing */
export function read(api: JetStreamApi, { stream, consumer }: Desired): Promise<Info | undefined> {
  return consumer === undefined ? api.streamInfo(stream) : api.consumerInfo(stream, consumer);
}

/** Asks the server only for what the comparison turns on. */
async function contextOf(
  api: JetStreamApi,
  desired: Desired,
  observed: Info | undefined,
  { policies = desired.policies, previouslySeen = false }: ConvergeOptions,
): Promise<PlanContext> {
  const accepts = (field: ComparedField, held: string | undefined): boolean =>
    api.defaults.has(desired.kind, field, held);
  const context: PlanContext = { policies, previouslySeen, accepts };
  const level = needsLevel(desired) ? (levelOf(observed?.config) ?? (await api.apiLevel())) : undefined;
  const limits = observed && (await limitsFor(api, desired, observed.config, context));
  return { ...context, level, limits };
}

function levelOf(config: ServerConfig | undefined): number | undefined {
  const level = config && metadataOf(config, '_nats.level');
  return level === undefined ? undefined : Number(level);
}

const BY_STREAM: ReadonlySet<string> = new Set(['max_ack_pending', 'inactive_threshold']);

/** A consumer without these fields has its stream's; the stream is asked only when they are other than usual. */
async function limitsFor(
  api: JetStreamApi,
  desired: Desired,
  held: ServerConfig,
  context: PlanContext,
): Promise<PlanContext['limits']> {
  if (desired.consumer === undefined) return undefined;
  const differs = differing(desired, held, context).some(
    ({ server }) => BY_STREAM.has(server) && !(server in desired.config),
  );
  if (!differs) return undefined;
  const limits = (await api.streamInfo(desired.stream))?.config['consumer_limits'];
  if (typeof limits !== 'object' || limits === null) return undefined;
  const number = (name: string): number | undefined => {
    const value: unknown = Object.entries(limits).find(([key]) => key === name)?.[1];
    return typeof value === 'number' ? value : undefined;
  };
  return {
    max_ack_pending: number('max_ack_pending'),
    inactive_threshold: number('inactive_threshold'),
  };
}

async function change(api: JetStreamApi, desired: Desired, held: Info): Promise<Info | 'moving'> {
  const reset = metadataOf(held.config, RESET_KEY);
  if (desired.consumer !== undefined && reset !== undefined)
    return finishReset(api, desired, desired.consumer, Number(reset));
  await endPause(api, desired, held.config);
  const written = await update(api, desired, held.config);
  await beginPause(api, desired, held.config);
  return written;
}

/**
 * What of the declared configuration the server does not hold after a write. A server that was restarted answers its first
 * update of a consumer with what it had before, so a difference counts once it has been looked up.
 */
async function readBack(
  api: JetStreamApi,
  desired: Desired,
  written: Info,
  context: PlanContext,
): Promise<{ info: Info; missing: ComparedField[] }> {
  if (differing(desired, written.config, context).length === 0) return { info: written, missing: [] };
  const info = (await read(api, desired)) ?? written;
  const limits = await limitsFor(api, desired, info.config, context);
  const left = differing(desired, info.config, { ...context, limits });
  const undeclared = left.filter(({ server }) => !(server in desired.config));
  const held = desired.complete(info.config);
  for (const field of undeclared) api.defaults.learn(desired.kind, field, comparable(field, held));
  return { info, missing: left.filter((field) => !undeclared.includes(field)) };
}

const declaredFields = ({ fields, config }: Desired): string[] =>
  fields.filter(({ server }) => server in config && server !== 'metadata').map(({ field }) => field);

/** `spec.maxMsgs is 99 instead of 10`, for each field. */
const describe = (desired: Desired, config: ServerConfig, names: readonly string[]): string =>
  changesOf(desired, config, names)
    .map(({ field, held, declared }) => `${field} is ${held} instead of ${declared}`)
    .join(', ');

function refused(desired: Desired, error: JetStreamRefusal, changed: readonly string[]): Convergence {
  const { reason, fields, terminal } = refusalReason(error, desired, changed);
  const waits = reason === 'StreamNotReady' || reason === 'MoveInProgress' || reason === 'Unavailable';
  return {
    outcome: waits ? 'waiting' : 'refused',
    reason,
    terminal,
    fields,
    message:
      reason === 'StreamNotReady'
        ? `its stream ${desired.stream} does not exist`
        : `the server refused it${fields.length > 0 ? ` for ${fields.join(', ')}` : ''}: ${error.description} (${error.code})`,
  };
}
