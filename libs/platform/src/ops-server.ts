import { createServer, Server } from 'node:http';
import { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { Readiness } from './readiness';

export interface OpsServer {
  port: number;
  close(): Promise<void>;
}

/** `/livez`, `/readyz` and `/metrics` on a port of their own, so that they answer while the main port is busy. */
export async function startOpsServer(
  address: { host: string; port: number },
  readiness: Readiness,
  metrics: Registry,
): Promise<OpsServer> {
  const server: Server = createServer((request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    switch (request.url?.split('?')[0]) {
      // Answering at all shows that the event loop turns; nothing else belongs into liveness.
      case '/livez':
        return send(200, 'text/plain', 'ok\n');
      case '/readyz':
        return send(
          readiness.ready ? 200 : 503,
          'application/json',
          `${JSON.stringify({ ready: readiness.ready, waitingFor: readiness.report() })}\n`,
        );
      case '/metrics':
        metrics.metrics().then(
          (text) => send(200, metrics.contentType, text),
          () => send(500, 'text/plain', 'the metrics could not be gathered\n'),
        );
        return;
      default:
        return send(404, 'text/plain', 'there is /livez, /readyz and /metrics\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
