import { join } from 'node:path';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { messageOf } from '@headwater/platform';
import {
  isActive,
  type Lag,
  LagUnknown,
  metricNameOf,
  readTrigger,
  ScaledObjectRef,
  totalOf,
  Trigger,
} from './external-scaler';

/** As far from `src` as from `dist`. */
const CONTRACT = join(__dirname, '../../proto/externalscaler.proto');

/** Milliseconds between two looks at a consumer for a client that is told of changes. */
const WATCH_MS = 2_000;

export interface ScalerOptions {
  host: string;
  port: number;
  /** Reads the consumer's own info. @throws LagUnknown */
  lagOf(trigger: Trigger): Promise<Lag>;
  /** Is told of a call that met something unexpected. */
  onError(error: unknown): void;
}

/** Serves KEDA's `ExternalScaler`, so that workers scale by what their consumer still owes and by nothing guessed. */
export async function startScaler(options: ScalerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const { lagOf, onError } = options;
  const answer =
    <Request, Response>(ask: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> =>
    ({ request }, callback) => {
      ask(request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(faultOf(error, onError)),
      );
    };
  const isActiveNow = async (request: ScaledObjectRef): Promise<boolean> => {
    const trigger = readTrigger(request);
    return isActive(trigger, await lagOf(trigger));
  };
  const streamIsActive: handleServerStreamingCall<ScaledObjectRef, { result: boolean }> = (call) => {
    let told: boolean | undefined;
    let timer: NodeJS.Timeout | undefined;
    const look = async (): Promise<void> => {
      const result = await isActiveNow(call.request);
      if (call.cancelled || call.destroyed) return;
      if (result !== told) call.write({ result });
      told = result;
      timer = setTimeout(() => void look().catch(fail), WATCH_MS);
    };
    const fail = (error: unknown): void => {
      call.destroy(Object.assign(new Error(messageOf(error)), faultOf(error, onError)));
    };
    const end = (): void => clearTimeout(timer);
    call.on('cancelled', end);
    call.on('close', end);
    look().catch(fail);
  };

  const server = new Server();
  server.addService(serviceDefinition(), {
    IsActive: answer(async (request: ScaledObjectRef) => ({ result: await isActiveNow(request) })),
    StreamIsActive: streamIsActive,
    GetMetricSpec: answer(async (request: ScaledObjectRef) => {
      const trigger = readTrigger(request);
      return {
        metricSpecs: [
          {
            metricName: metricNameOf(trigger),
            targetSize: Math.ceil(trigger.lagThreshold),
            targetSizeFloat: trigger.lagThreshold,
          },
        ],
      };
    }),
    GetMetrics: answer(
      async ({ scaledObjectRef, metricName }: { scaledObjectRef: ScaledObjectRef; metricName: string }) => {
        const lag = totalOf(await lagOf(readTrigger(scaledObjectRef)));
        return { metricValues: [{ metricName, metricValue: lag, metricValueFloat: lag }] };
      },
    ),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${options.host}:${options.port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        // A client that is told of changes would hold the server open for ever.
        const impatient = setTimeout(() => server.forceShutdown(), 1_000);
        server.tryShutdown(() => {
          clearTimeout(impatient);
          resolve();
        });
      }),
  };
}

function serviceDefinition(): ServiceDefinition {
  const loaded = loadSync(CONTRACT, {
    longs: Number,
    defaults: true,
    keepCase: true,
  })['externalscaler.ExternalScaler'];
  if (loaded === undefined || 'format' in loaded)
    throw new Error('externalscaler.proto holds no ExternalScaler');
  return loaded;
}

const CODES = {
  invalid: status.INVALID_ARGUMENT,
  missing: status.NOT_FOUND,
  unavailable: status.UNAVAILABLE,
} as const satisfies Record<LagUnknown['kind'], status>;

function faultOf(error: unknown, onError: (error: unknown) => void): { code: status; details: string } {
  if (error instanceof LagUnknown) return { code: CODES[error.kind], details: error.message };
  onError(error);
  return { code: status.INTERNAL, details: messageOf(error) };
}
