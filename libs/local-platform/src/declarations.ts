import { join } from 'node:path';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { Applied, keepApplied, readManifests } from '@headwater/jetstream-resources';

/** A NATS connection that may read and change streams and consumers. */
export function connectAsDeclarations(
  port: number,
  pass: string,
  { waitOnFirstConnect = true } = {},
): Promise<NatsConnection> {
  return connect({
    servers: `127.0.0.1:${port}`,
    name: 'declarations',
    user: 'declarations',
    pass,
    inboxPrefix: '_INBOX_declarations',
    waitOnFirstConnect,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
  });
}

/** Applies `k8s/jetstream/` and keeps it applied, as the controller does in a cluster. */
export async function applyDeclarations(
  root: string,
  port: number,
  password: string,
  progress: (line: string) => void,
): Promise<() => Promise<void>> {
  const manifests = await readManifests([join(root, 'k8s', 'jetstream')]);
  const connection = await connectAsDeclarations(port, password);
  const stop = new AbortController();
  let trouble = '';
  const kept = keepApplied(connection, manifests, {
    signal: stop.signal,
    onError: (error) => {
      // The same trouble comes with every pass, and is told once.
      if (messageOf(error) !== trouble)
        progress(`streams and consumers can't be applied: ${messageOf(error)}`);
      trouble = messageOf(error);
    },
    onChange: (applied) =>
      applied
        .filter(({ outcome }) => outcome !== 'unchanged')
        .map(describe)
        .forEach((line) => progress(line)),
  });
  return async () => {
    stop.abort();
    await kept;
    await connection.close();
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const describe = ({ kind, name, outcome, fields, reason }: Applied): string =>
  [
    `${kind} ${name} ${outcome}`,
    fields.length > 0 ? ` (${fields.join(', ')})` : '',
    reason ? `: ${reason}` : '',
  ].join('');
