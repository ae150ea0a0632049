import { type ChildProcess, spawn } from 'node:child_process';
import { freePort } from '@headwater/embedded';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { ReachablePlatform } from '@headwater/testing-platform';
import { secretValue } from './cluster';

/** Milliseconds before a forwarding that has ended, with its pod, is begun again. */
const AGAIN_MS = 200;

/** A local port to a Service or a Deployment, that follows it from pod to pod. */
export class Forward {
  private child: ChildProcess | undefined;
  private ended = false;

  private constructor(
    readonly port: number,
    private readonly args: readonly string[],
  ) {}

  static async to(
    namespace: string,
    name: string,
    port: number,
    kind: 'service' | 'deployment' = 'service',
  ): Promise<Forward> {
    const local = await freePort();
    const forward = new Forward(local, [
      '-n',
      namespace,
      'port-forward',
      `${kind}/${name}`,
      `${local}:${port}`,
    ]);
    await forward.begin();
    return forward;
  }

  /** Resolves when kubectl says that it listens, or has ended and is begun again. */
  private begin(): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn(process.env['E2E_KUBECTL'] ?? 'kubectl', this.args, {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      this.child = child;
      child.stdout.on('data', () => resolve());
      // A broken forwarding is told here and nowhere else; kubectl itself would go on with it.
      child.stderr.on('data', (text: Buffer) => {
        if (/lost connection|error forwarding|EOF/i.test(text.toString())) child.kill('SIGKILL');
      });
      child.once('exit', () => {
        if (this.ended) return resolve();
        setTimeout(() => void this.begin().then(resolve), AGAIN_MS);
      });
    });
  }

  close(): void {
    this.ended = true;
    this.child?.kill('SIGKILL');
  }
}

/** The doors of a release, as local ports. */
export class ForwardedPlatform implements ReachablePlatform {
  private constructor(
    private readonly namespace: string,
    private readonly name: string,
    private readonly forwards: { api: Forward; grpc: Forward; simulator: Forward; nats: Forward },
  ) {}

  static async open(namespace: string, name: string): Promise<ForwardedPlatform> {
    const [api, grpc, simulator, nats] = await Promise.all([
      Forward.to(namespace, `${name}-order`, 80),
      Forward.to(namespace, `${name}-eventstore`, 50051),
      Forward.to(namespace, `${name}-payment-simulator`, 3100),
      Forward.to(namespace, `${name}-nats`, 4222),
    ]);
    return new ForwardedPlatform(namespace, name, { api, grpc, simulator, nats });
  }

  get urls(): { api: string; grpc: string; simulator: string } {
    const { api, grpc, simulator } = this.forwards;
    return {
      api: `http://127.0.0.1:${api.port}`,
      grpc: `127.0.0.1:${grpc.port}`,
      simulator: `http://127.0.0.1:${simulator.port}`,
    };
  }

  async connectNats(): Promise<NatsConnection> {
    return connect({
      servers: `127.0.0.1:${this.forwards.nats.port}`,
      user: 'declarations',
      pass: await secretValue(this.namespace, `${this.name}-nats-credentials`, 'declarations'),
      inboxPrefix: '_INBOX_declarations',
      ignoreClusterUpdates: true,
    });
  }

  close(): void {
    for (const forward of Object.values(this.forwards)) forward.close();
  }
}
