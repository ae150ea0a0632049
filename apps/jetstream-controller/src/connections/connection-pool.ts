import type { NatsConnection } from '@nats-io/transport-node';
import { JetStreamApi } from '@headwater/jetstream-resources';
import type { NatsSettings } from './nats-settings';
import { NatsLink, type LinkState } from './nats-link';

/** Key of the connection that the process was given; all others are `namespace/name` of their Connection resource. */
export const DEFAULT_CONNECTION = 'default';

/** Milliseconds to wait for an answer of the JetStream API. */
const API_TIMEOUT_MS = 5_000;

export interface Server {
  readonly connection: NatsConnection;
  readonly api: JetStreamApi;
}

export type ServerState =
  | ({ readonly status: 'connected' } & Server)
  | Extract<LinkState, { status: 'connecting' }>
  | { readonly status: 'unknown' };

interface Entry {
  settings: NatsSettings;
  link: NatsLink;
  /** Goes on serving while the link of rotated credentials connects. */
  retiring?: NatsLink;
  server?: Server;
}

/** All the connections to NATS, by key. Each lives by itself: none waits for another. */
export class ConnectionPool {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<(key: string) => void>();

  /** @param clientName by which the servers' announcements tell our requests from those of others; unique to this process */
  constructor(readonly clientName: string) {}

  /** Is told when a connection comes, goes, or fails in another way. Returns what ends that. */
  onChange(listener: (key: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Connects as the settings say; the same settings again change nothing. With other credentials for the same servers the
   * old connection serves until the new one is there; with other servers it ends at once.
   */
  set(key: string, settings: NatsSettings): void {
    const entry = this.entries.get(key);
    if (entry?.settings.fingerprint === settings.fingerprint) return;
    const link = new NatsLink({ ...settings.options, name: this.clientName }, () => this.changed(key, link));
    if (!entry) {
      this.entries.set(key, { settings, link });
      return;
    }
    const rotated = entry.settings.serversFingerprint === settings.serversFingerprint;
    const old = entry.link;
    // A link that was never there has nothing to go on serving with.
    if (rotated && old.state.status === 'connected' && !entry.retiring) entry.retiring = old;
    else void old.close();
    if (!rotated && entry.retiring) {
      void entry.retiring.close();
      delete entry.retiring;
    }
    entry.settings = settings;
    entry.link = link;
    this.tell(key);
  }

  /** Ends a connection; whoever uses it finds `unknown`. */
  async remove(key: string): Promise<void> {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.tell(key);
    await Promise.all([entry.link.close(), entry.retiring?.close()]);
  }

  /** State of the connection as its settings say, whether or not an older one still serves. */
  stateOf(key: string): LinkState | undefined {
    return this.entries.get(key)?.link.state;
  }

  /** What there is to work with now. */
  serverOf(key: string): ServerState {
    const entry = this.entries.get(key);
    if (!entry) return { status: 'unknown' };
    const serving = entry.link.state.status === 'connecting' ? entry.retiring?.state : undefined;
    const state = serving?.status === 'connected' ? serving : entry.link.state;
    if (state.status === 'connecting') return state;
    if (entry.server?.connection !== state.connection) {
      const { domain } = entry.settings;
      entry.server = {
        connection: state.connection,
        api: new JetStreamApi(state.connection, {
          timeoutMs: API_TIMEOUT_MS,
          ...(domain === undefined ? {} : { domain }),
        }),
      };
    }
    return { status: 'connected', ...entry.server };
  }

  keys(): string[] {
    return [...this.entries.keys()];
  }

  async close(): Promise<void> {
    await Promise.all(this.keys().map((key) => this.remove(key)));
  }

  private changed(key: string, link: NatsLink): void {
    const entry = this.entries.get(key);
    if (entry?.link !== link && entry?.retiring !== link) return;
    if (entry.link === link && link.state.status === 'connected' && entry.retiring) {
      void entry.retiring.close();
      delete entry.retiring;
    }
    this.tell(key);
  }

  private tell(key: string): void {
    for (const listener of this.listeners) listener(key);
  }
}
