import { Informer, type KubernetesClient, type ResourceType, type RuntimeLog } from '@headwater/kubernetes';

export const SECRET: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

interface Watch {
  stop: AbortController;
  users: Set<string>;
}

/**
 * Watches the Secrets that Connections name, each by itself and by its name, which is all that the controller's role needs
 * to allow.
 */
export class SecretWatches {
  private readonly watches = new Map<string, Watch>();

  constructor(
    private readonly options: {
      client: KubernetesClient;
      log: RuntimeLog;
      /** A Secret that a Connection uses has changed. */
      onChange: (connection: string) => void;
    },
  ) {}

  /** From now on a connection uses these Secrets of a namespace, and no others. */
  use(connection: string, namespace: string, names: ReadonlySet<string>): void {
    for (const [key, { users }] of this.watches) {
      if (
        !users.has(connection) ||
        (key.startsWith(`${namespace}/`) && names.has(key.slice(namespace.length + 1)))
      )
        continue;
      users.delete(connection);
      if (users.size === 0) this.end(key);
    }
    for (const name of names) {
      const key = `${namespace}/${name}`;
      const watch = this.watches.get(key) ?? this.begin(key, namespace, name);
      watch.users.add(connection);
    }
  }

  close(): void {
    for (const key of [...this.watches.keys()]) this.end(key);
  }

  private begin(key: string, namespace: string, name: string): Watch {
    const { client, log, onChange } = this.options;
    const watch: Watch = { stop: new AbortController(), users: new Set() };
    this.watches.set(key, watch);
    const informer = new Informer({
      client,
      type: SECRET,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      log,
    });
    informer.onChange(() => {
      for (const connection of watch.users) onChange(connection);
    });
    void informer.run(watch.stop.signal);
    return watch;
  }

  private end(key: string): void {
    this.watches.get(key)?.stop.abort();
    this.watches.delete(key);
  }
}
