import { Registry } from 'prom-client';
import {
  Condition,
  EventRecorder,
  Informer,
  keyOf,
  KubernetesClient,
  runLeaderElection,
  RuntimeLog,
  RuntimeMetrics,
  runWorkers,
  setCondition,
  StatusWriter,
  TerminalError,
  WorkQueue,
} from '../src';
import { Widget, WIDGET } from './fixture';

/** A whole controller in its smallest form; the README explains it. It says of each widget how large it is. */
export async function runWidgetController(options: {
  client: KubernetesClient;
  namespace: string;
  identity: string;
  signal: AbortSignal;
  registry: Registry;
  log: RuntimeLog;
  lease?: { leaseMs: number; renewMs: number; retryMs: number };
}): Promise<void> {
  const { client, namespace, identity, signal, log } = options;
  const metrics = new RuntimeMetrics(options.registry);
  const widgets = new Informer<Widget>({ client, type: WIDGET, namespace, log, metrics });
  const queue = new WorkQueue({ name: 'widget', metrics });
  const statuses = new StatusWriter({ client, type: WIDGET, fieldManager: 'widget-controller' });
  const events = new EventRecorder({
    client,
    controller: 'test.headwater.dev/widget-controller',
    instance: identity,
    metrics,
    log,
  });

  const reconcile = async (key: string, ending: AbortSignal): Promise<void> => {
    const widget = widgets.get(key);
    if (widget === undefined) return statuses.forget(key);
    const { size } = widget.spec ?? {};
    const condition: Omit<Condition, 'lastTransitionTime'> =
      size === undefined
        ? { type: 'Ready', status: 'False', reason: 'NoSize', message: 'spec.size is not set' }
        : { type: 'Ready', status: 'True', reason: 'Measured', message: `it is ${size} large` };
    const before = (widget.status?.conditions ?? []) as Condition[];
    const status = {
      ...(size === undefined ? {} : { size }),
      conditions: setCondition(before, condition, new Date()),
    };
    if (await statuses.write(widget, status, ending)) {
      events.event(widget, {
        type: size === undefined ? 'Warning' : 'Normal',
        reason: condition.reason,
        action: 'Measure',
        note: condition.message,
      });
    }
    if (size === undefined) throw new TerminalError(`${key} has no size`);
  };

  // Both replicas keep the cache warm; only the leader works.
  widgets.onChange(({ object }) => queue.add(keyOf(object.metadata)));
  const watching = widgets.run(signal);
  await runLeaderElection({
    client,
    namespace,
    name: 'widget-controller',
    identity,
    ...options.lease,
    signal,
    metrics,
    log,
    lead: async (leading) => {
      await widgets.synced;
      await runWorkers({ name: 'widget', queue, concurrency: 4, reconcile, metrics, log, signal: leading });
    },
  });
  await watching;
  await events.close();
}
