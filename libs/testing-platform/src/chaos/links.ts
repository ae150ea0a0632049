import { instancesOf, Ports, Replicas, Route, RoutedServer, serversOf } from '@headwater/local-platform';
import { startTcpProxy, TcpProxy } from '@headwater/testing';

/** A proxy on every way from a process of the platform to a server, each to be cut by itself. */
export class Links {
  private constructor(
    readonly all: readonly { process: string; server: RoutedServer }[],
    private readonly proxies: ReadonlyMap<string, TcpProxy>,
  ) {}

  static async open(ports: Ports, replicas: Replicas): Promise<Links> {
    const all = instancesOf(ports, replicas).flatMap(({ name, service }) =>
      serversOf(service).map((server) => ({ process: name, server })),
    );
    const proxies = new Map<string, TcpProxy>();
    for (const { process, server } of all)
      proxies.set(keyOf(process, server), await startTcpProxy(ports[server]));
    return new Links(all, proxies);
  }

  readonly route: Route = (process, server) => this.of(process, server).port;

  of(process: string, server: RoutedServer): TcpProxy {
    const proxy = this.proxies.get(keyOf(process, server));
    if (!proxy) throw new Error(`${process} does not use ${server}`);
    return proxy;
  }

  /** Everybody's ways to a server. */
  to(server: RoutedServer): TcpProxy[] {
    return this.all.filter((link) => link.server === server).map((link) => this.of(link.process, server));
  }

  thawAll(): void {
    for (const proxy of this.proxies.values()) proxy.thaw();
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
  }
}

const keyOf = (process: string, server: RoutedServer): string => `${process} ${server}`;
