import { JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { oldestNatsServer, startTestNats, TestNats } from '@headwater/testing';
import { consumerSpec } from '../src/consumer-spec';
import { converge, ConvergeOptions } from '../src/converge';
import { Convergence } from '../src/convergence';
import { JetStreamApi } from '../src/jetstream-api';
import { Desired, desiredConsumer, desiredStream } from '../src/manifest';
import { streamSpec } from '../src/stream-spec';

export type Spec = Record<string, unknown>;

export const stream = (spec: Spec, owner = 'me'): Desired => desiredStream(streamSpec.parse(spec), owner);
export const consumer = (spec: Spec, owner = 'me'): Desired =>
  desiredConsumer(consumerSpec.parse(spec), owner);

/** A server with one stream, `CONSUMED`, for consumers. */
export interface ServerUnderTest {
  connection: NatsConnection;
  manager: JetStreamManager;
  api: JetStreamApi;
  /** Of the server's API: 1 is 2.11, 5 is 2.15. */
  level: number;
}

let names = 0;
/** A name that no other object of the run has. */
export const newName = (): string => `S${++names}`;

/**
 * Everything that is promised of one server is promised of the oldest too; what it lacks, it refuses by name. A test is
 * left out where the server can't be had, which the run has said.
 */
export function onEachServer(
  tests: (
    proves: (what: string, act: (server: ServerUnderTest) => Promise<void>) => void,
    apply: (desired: Desired, options?: ConvergeOptions) => Promise<Convergence>,
  ) => void,
): void {
  describe.each<[name: string, binary: () => Promise<string | undefined>]>([
    ['the pinned nats-server', () => Promise.resolve(process.env['HEADWATER_NATS_SERVER'])],
    ['the oldest nats-server', oldestNatsServer],
  ])('%s', (_name, binary) => {
    let nats: TestNats | undefined;
    let server: ServerUnderTest | undefined;
    beforeAll(async () => {
      const found = await binary();
      if (found === undefined) return;
      nats = await startTestNats({ binary: found });
      const connection = await connect({ servers: nats.url });
      const api = new JetStreamApi(connection);
      server = {
        connection,
        api,
        manager: await jetstreamManager(connection),
        level: await api.apiLevel(),
      };
      await converge(api, stream({ name: 'CONSUMED', subjects: ['C.>'] }));
      // Building the server takes half a minute, once per machine.
    }, 300_000);
    afterAll(async () => {
      await server?.connection.close();
      await nats?.stop();
    });
    tests(
      (what, act) =>
        test(what, async () => {
          if (server !== undefined) await act(server);
          else expect(process.env['E2E_REQUIRE']).not.toBe('1');
        }),
      (desired, options = {}) => {
        if (server === undefined) throw new Error('the server has not been started');
        return converge(server.api, desired, options);
      },
    );
  });
}

/** What the server holds; undefined when there is no such object. */
export async function configOf({ api }: ServerUnderTest, desired: Desired): Promise<Spec | undefined> {
  const { stream: name, consumer: durable } = desired;
  return (durable === undefined ? await api.streamInfo(name) : await api.consumerInfo(name, durable))?.config;
}

/** The changing requests that are made while something is done. */
export async function writesDuring(
  { connection }: ServerUnderTest,
  act: () => Promise<unknown>,
): Promise<string[]> {
  const requests = jest.spyOn(connection, 'request');
  try {
    await act();
    return requests.mock.calls.map(([subject]) => subject).filter((subject) => !subject.includes('INFO'));
  } finally {
    requests.mockRestore();
  }
}
