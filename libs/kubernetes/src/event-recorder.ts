import { KubernetesClient } from './client';
import { RuntimeLog } from './log';
import { RuntimeMetrics } from './metrics';
import { KubernetesObject } from './objects';

export interface EventRecorderOptions {
  client: KubernetesClient;
  /** `example.com/thing-controller`: who reports. */
  controller: string;
  /** The pod's name. */
  instance: string;
  metrics?: RuntimeMetrics;
  log?: RuntimeLog;
}

export interface RecordedEvent {
  type: 'Normal' | 'Warning';
  /** Why, one word in CamelCase: `Adopted`. */
  reason: string;
  /** What was done or tried, one word: `Reconcile`. */
  action: string;
  /** A sentence for people, 1,024 bytes at most. */
  note: string;
  related?: KubernetesObject;
}

/** Tells people about objects, through `events.k8s.io/v1`. Never blocks and never throws at its caller. */
export class EventRecorder {
  constructor(private readonly options: EventRecorderOptions) {}

  event(_object: KubernetesObject, _event: RecordedEvent): void {
    void this.options;
  }

  /** Resolves when everything told so far is written or given up. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.flush();
  }
}
