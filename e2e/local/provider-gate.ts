import { createServer, request, Server } from 'node:http';
import { AddressInfo } from 'node:net';

/** How the provider is met: as it is, refusing every payment for good, or away. */
export type ProviderMood = 'passes' | 'refuses' | 'away';

/** Stands between the payment worker and its provider, so that a test can break the one without the other. */
export class ProviderGate {
  mood: ProviderMood = 'passes';
  /** Requests that were met in this mood. */
  readonly met: Record<ProviderMood, number> = { passes: 0, refuses: 0, away: 0 };
  /** Address of the real one. */
  target = '';

  private constructor(private readonly server: Server) {}

  static async open(): Promise<ProviderGate> {
    const server = createServer();
    const gate = new ProviderGate(server);
    server.on('request', (incoming, answer) => {
      gate.met[gate.mood]++;
      if (gate.mood !== 'passes') {
        incoming.resume();
        answer.writeHead(gate.mood === 'refuses' ? 400 : 503, { 'content-type': 'application/problem+json' });
        answer.end(JSON.stringify({ title: `the provider ${gate.mood}` }));
        return;
      }
      const { method, url = '/', headers } = incoming;
      const onward = request(new URL(url, gate.target), { method, headers }, (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      });
      onward.on('error', () => answer.destroy());
      incoming.pipe(onward);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }
}
