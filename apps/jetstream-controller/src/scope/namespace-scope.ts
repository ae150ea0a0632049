import type { Informer, KubernetesObject } from '@headwater/kubernetes';
import { ACKNOWLEDGED, type Scope } from './scope';

/**
 * One namespace, while its marker is there. The first write waits until a cluster-wide controller has acknowledged the
 * marker, or for as long as it would have needed to notice.
 */
export class NamespaceScope implements Scope {
  constructor(
    readonly namespace: string,
    /** The marker of this release; undefined where none is used, and then nothing is waited for. */
    private readonly marker: Informer<KubernetesObject> | undefined,
    private readonly handoverMs: number,
  ) {}

  owns(namespace: string): boolean {
    return namespace === this.namespace && (this.marker === undefined || this.marker.list().length > 0);
  }

  within<T>(_namespace: string, work: () => Promise<T>): Promise<T> {
    return work();
  }

  cleared(signal: AbortSignal): Promise<void> {
    const { marker } = this;
    if (!marker) return Promise.resolve();
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      let settled = false;
      // What is there already is told before there is anything to stop.
      let stopListening = (): void => undefined;
      const settle = (end: () => void): void => {
        settled = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        stopListening();
        end();
      };
      const aborted = (): void => settle(() => reject(signal.reason));
      const look = (): void => {
        const present = marker.list()[0];
        if (!present) return;
        // Its age counts, so that a restarted controller does not wait again.
        const age = Date.now() - Date.parse(present.metadata.creationTimestamp ?? '');
        if (present.metadata.annotations?.[ACKNOWLEDGED] !== undefined || age >= this.handoverMs) {
          settle(resolve);
          return;
        }
        timer ??= setTimeout(() => settle(resolve), this.handoverMs - Math.max(age, 0));
      };
      stopListening = marker.onChange(look);
      signal.addEventListener('abort', aborted);
      if (settled) stopListening();
      else if (signal.aborted) aborted();
      else look();
    });
  }

  /** Never: the one namespace is watched from the start. */
  onGained(): () => void {
    return () => undefined;
  }
}
