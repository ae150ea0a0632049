import { describeWithControlPlane, oldestNatsServer } from '@headwater/testing';

/** A version of nats-server that tests run against. */
export interface ServerUnderTest {
  /** Whether it is the oldest that is supported, which lacks what later ones have. */
  readonly oldest: boolean;
  /** Its binary, built on demand. */
  binary(): Promise<string>;
}

const pinned: ServerUnderTest = {
  oldest: false,
  binary: () => known(process.env['HEADWATER_NATS_SERVER']),
};

const oldest: ServerUnderTest = { oldest: true, binary: async () => known(await oldestNatsServer()) };

function known(binary: string | undefined): Promise<string> {
  return binary ? Promise.resolve(binary) : Promise.reject(new Error('there is no such nats-server here'));
}

/** The same tests against the pinned nats-server and the oldest that is supported. */
export function describeOnServers(name: string, tests: (server: ServerUnderTest) => void): void {
  describeWithControlPlane(`${name} (nats-server 2.15)`, () => tests(pinned));
  describeWithControlPlane(`${name} (nats-server 2.11)`, () => tests(oldest));
}
