import { Server, ServerCredentials, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { EventStore } from '@headwater/eventstore';
import type { ServerCertificate } from '@headwater/platform';
import {
  EVENTSTORE_PACKAGES,
  EventStoreV1,
  eventStoreV1,
  SampleEventStore,
  sampleEventStore,
  SERVICE_NAMES,
} from '@headwater/eventstore-api';
import { append, appendStream } from './append';
import { CallContext } from './calls';
import { getLog, readAggregate, readLog } from './read';
import { createEvent, getEvents, getEventsStream } from './sample';

export interface EventStoreServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** With it, only TLS is spoken. */
  certificate?: ServerCertificate | undefined;
  /** Told of errors that are none of the caller's. */
  onError: (path: string, error: unknown) => void;
  /** Silence after which a following reader gets an empty message. */
  heartbeatMs?: number;
}

export interface EventStoreServer {
  port: number;
  /** What `grpc.health.v1` says of both services; not serving at first. */
  setServing(serving: boolean): void;
  /** Ends following reads, answers what was sent, and takes no more. */
  close(): Promise<void>;
}

/** Larger than the largest append with its ids. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
/** After that, calls that do not end are cut. */
const CLOSE_MS = 5_000;

/** Both services, health and reflection on one port. */
export async function createEventStoreServer(
  store: EventStore,
  options: EventStoreServerOptions,
): Promise<EventStoreServer> {
  const closing = new AbortController();
  const context: CallContext = { closing: closing.signal, onError: options.onError };
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES,
    'grpc.max_send_message_length': MESSAGE_BYTES,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  serve<EventStoreV1>(server, eventStoreV1, {
    Append: append(store, context),
    AppendStream: appendStream(store, context),
    ReadAggregate: readAggregate(store, context),
    ReadLog: readLog(store, context, options.heartbeatMs ?? 5_000),
    GetLog: getLog(store, context),
  });
  serve<SampleEventStore>(server, sampleEventStore, {
    CreateEvent: createEvent(store, context),
    GetEvents: getEvents(store, context),
    GetEventsStream: getEventsStream(store, context),
  });
  const health = new HealthImplementation();
  health.addToServer(server);
  new ReflectionService(EVENTSTORE_PACKAGES).addToServer(server);
  const setServing = (serving: boolean): void => {
    for (const service of ['', SERVICE_NAMES.v1, SERVICE_NAMES.sample])
      health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
  };
  setServing(false);
  const port = await listen(server, options);
  return {
    port,
    setServing,
    close: async () => {
      setServing(false);
      closing.abort();
      await shutDown(server);
    },
  };
}

type Handlers<Service> = { [Method in keyof Service]: UntypedServiceImplementation[string] };

function serve<Service extends object>(server: Server, service: Service, handlers: Handlers<Service>): void {
  server.addService(service as unknown as ServiceDefinition, handlers as UntypedServiceImplementation);
}

function listen(server: Server, { host, port, certificate }: EventStoreServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const credentials = certificate
      ? ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(certificate.cert), private_key: Buffer.from(certificate.key) },
        ])
      : ServerCredentials.createInsecure();
    server.bindAsync(address, credentials, (error, bound) => {
      if (error) reject(new Error(`can't listen on ${address}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.forceShutdown(), CLOSE_MS);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
