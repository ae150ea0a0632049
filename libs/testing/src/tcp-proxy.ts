import { AddressInfo, createConnection, createServer, Socket } from 'node:net';

/** A way between a client and a server that can be cut in the ways a network can. */
export interface TcpProxy {
  /** On 127.0.0.1. */
  port: number;
  /** Connections open at the moment. */
  readonly connections: number;
  /** Connections taken so far. */
  readonly accepted: number;
  /**
   * Nothing passes any more on the connections that are open, and they stay open: neither side is told. New
   * connections work.
   */
  freeze(): void;
  /** As `freeze`, for new connections too, until `thaw`. */
  freezeAll(): void;
  /** What was held back passes now. */
  thaw(): void;
  /** Ends every connection with a reset; new ones are taken. */
  cutAll(): void;
  close(): Promise<void>;
}

/** Forwards bytes to a port of the loopback interface. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let frozen = false;
  const server = createServer((client) => {
    accepted++;
    const upstream = createConnection(targetPort, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const [toServer, toClient] = [forward(client, upstream), forward(upstream, client)];
    if (frozen) [toServer, toClient].forEach((stop) => stop());
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const pauseAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.pause();
  };
  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    freeze: pauseAll,
    freezeAll: () => {
      frozen = true;
      pauseAll();
    },
    thaw: () => {
      frozen = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    cutAll,
    close: async () => {
      cutAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** @returns what stops it without a word to either side */
function forward(from: Socket, to: Socket): () => void {
  from.on('data', (chunk) => to.write(chunk));
  from.on('end', () => to.end());
  return () => from.pause();
}
