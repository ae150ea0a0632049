import { NatsConnection } from '@nats-io/transport-node';

/**
 * The prefix a connection was opened with. The client keeps its options on the object that implements the connection
 * and does not list them in its interface.
 */
export function inboxPrefixOf(connection: NatsConnection): string | undefined {
  if (!('options' in connection)) return undefined;
  const { options } = connection;
  if (typeof options !== 'object' || options === null || !('inboxPrefix' in options)) return undefined;
  return typeof options.inboxPrefix === 'string' ? options.inboxPrefix : undefined;
}
