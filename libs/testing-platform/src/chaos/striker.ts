import { rename, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalPlatform } from '@headwater/local-platform';
import { Links } from './links';
import { pauseTree } from './process-tree';
import { Strike } from './schedule';

/** Longest time for what was killed to be started again. */
const BACK_MS = 60_000;

/** Does to a platform what the schedule says. */
export class Striker {
  private readonly resumptions = new Set<() => void>();

  constructor(
    private readonly platform: LocalPlatform,
    private readonly links: Links,
  ) {}

  /** Resolves when what was struck is back: started again and answering its port, resumed, or reachable. */
  async strike(strike: Strike): Promise<void> {
    switch (strike.kind) {
      case 'kill':
        return this.kill(strike.process);
      case 'pause':
        return this.pause(strike.process, strike.ms);
      case 'cut':
        return this.links.of(strike.process, strike.server).cutAll();
      case 'freeze':
        return this.freeze([this.links.of(strike.process, strike.server)], strike.ms);
      case 'partition':
        return this.freeze(this.links.to(strike.server), strike.ms);
      case 'wipe':
        return this.wipe();
    }
  }

  /** Nothing is paused or cut off any more. */
  relent(): void {
    for (const resume of this.resumptions) resume();
    this.links.thawAll();
  }

  private async kill(name: string, then: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const before = this.platform.process(name);
    await before?.kill();
    await then();
    for (const deadline = Date.now() + BACK_MS; Date.now() < deadline;) {
      const now = this.platform.process(name);
      if (now !== before && now?.running && (await answers(name, this.portOf(name)))) return;
      await sleep(20);
    }
    throw new Error(`${name} has not been started again within ${BACK_MS / 1000} s`);
  }

  private async pause(name: string, ms: number): Promise<void> {
    const pid = this.platform.process(name)?.pid;
    // It is being started again after another strike.
    if (pid === undefined || !this.platform.process(name)?.running) return;
    const resume = await pauseTree(pid);
    this.resumptions.add(resume);
    await sleep(ms);
    resume();
    this.resumptions.delete(resume);
  }

  private async freeze(proxies: readonly { freezeAll(): void; thaw(): void }[], ms: number): Promise<void> {
    for (const proxy of proxies) proxy.freezeAll();
    await sleep(ms);
    for (const proxy of proxies) proxy.thaw();
  }

  /** Moved away at once, because the server is started again within a moment. */
  private async wipe(): Promise<void> {
    const { natsStore } = this.platform.layout;
    const aside = `${natsStore}.wiped`;
    await this.kill('nats-server', async () => {
      await rename(natsStore, aside);
      await rm(aside, { recursive: true, force: true });
    });
  }

  private portOf(name: string): number {
    const { ports } = this.platform;
    if (name === 'postgres') return ports.postgres;
    if (name === 'nats-server') return ports.nats;
    // What others call is back when it can be called; the rest when it can be asked how it is.
    if (name === 'order') return ports.http;
    if (name === 'eventstore') return ports.grpc;
    if (name === 'payment-simulator') return ports['payment-simulator'];
    const port = this.platform.opsPort(name);
    if (port === undefined) throw new Error(`${name} is no process of the platform`);
    return port;
  }
}

/**
 * PostgreSQL's StartupMessage of protocol 3.0. One that is ready asks for the password (`R`); while it recovers it answers
 * with an error, and while it waits for its predecessor's sessions not at all.
 */
const STARTUP = ((): Buffer => {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, parameters]);
})();
const ANSWER_MS = 1_000;

/** Whether the server or app at the port works: nats-server speaks first, PostgreSQL when asked, an app by connecting. */
function answers(name: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const end = (does: boolean): void => {
      socket.destroy();
      resolve(does);
    };
    socket.setTimeout(ANSWER_MS, () => end(false));
    socket.once('connect', () => {
      if (name === 'postgres') socket.write(STARTUP);
      else if (name !== 'nats-server') end(true);
    });
    socket.once('data', (answer: Buffer) => end(name !== 'postgres' || answer[0] === 'R'.charCodeAt(0)));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
