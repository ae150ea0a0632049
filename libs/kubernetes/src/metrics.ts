import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How a reconcile ended. */
export type ReconcileOutcome = 'success' | 'error' | 'terminal' | 'requeue_after';

/** Seconds, from a millisecond to a quarter of an hour: controller-runtime's own buckets, thinned out. */
const RECONCILE_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const QUEUE_BUCKETS = [0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1000];

/**
 * The metrics of a controller under the names that controller-runtime and client-go gave them, so that dashboards and
 * alerts made for those work here.
 */
export class RuntimeMetrics {
  readonly reconcileTotal: Counter<'controller' | 'result'>;
  readonly reconcileErrors: Counter<'controller'>;
  readonly terminalErrors: Counter<'controller'>;
  readonly reconcileSeconds: Histogram<'controller'>;
  readonly activeWorkers: Gauge<'controller'>;
  readonly maxConcurrent: Gauge<'controller'>;
  readonly queueDepth: Gauge<'name'>;
  readonly queueAdds: Counter<'name'>;
  readonly queueSeconds: Histogram<'name'>;
  readonly workSeconds: Histogram<'name'>;
  readonly queueRetries: Counter<'name'>;
  readonly unfinishedWork: Gauge<'name'>;
  readonly longestRunning: Gauge<'name'>;
  readonly leader: Gauge<'name'>;
  readonly requests: Counter<'method' | 'code'>;
  readonly requestSeconds: Histogram<'verb'>;
  readonly relists: Counter<'kind' | 'reason'>;
  readonly cachedObjects: Gauge<'kind'>;
  readonly events: Counter<'result'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.reconcileTotal = new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciliations per controller and result.',
      labelNames: ['controller', 'result'],
      registers,
    });
    this.reconcileErrors = new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Reconciliations that failed, per controller.',
      labelNames: ['controller'],
      registers,
    });
    this.terminalErrors = new Counter({
      name: 'controller_runtime_terminal_reconcile_errors_total',
      help: 'Reconciliations that failed and are not tried again until the object changes.',
      labelNames: ['controller'],
      registers,
    });
    this.reconcileSeconds = new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Length of a reconciliation.',
      labelNames: ['controller'],
      buckets: RECONCILE_BUCKETS,
      registers,
    });
    this.activeWorkers = new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Reconciliations under way.',
      labelNames: ['controller'],
      registers,
    });
    this.maxConcurrent = new Gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Reconciliations that may be under way at once.',
      labelNames: ['controller'],
      registers,
    });
    this.queueDepth = new Gauge({
      name: 'workqueue_depth',
      help: 'Keys that wait for a worker.',
      labelNames: ['name'],
      registers,
    });
    this.queueAdds = new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys added to the queue; those that were waiting already do not count.',
      labelNames: ['name'],
      registers,
    });
    this.queueSeconds = new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long a key waited for a worker.',
      labelNames: ['name'],
      buckets: QUEUE_BUCKETS,
      registers,
    });
    this.workSeconds = new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'How long a worker had a key.',
      labelNames: ['name'],
      buckets: QUEUE_BUCKETS,
      registers,
    });
    this.queueRetries = new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys added again after a failure.',
      labelNames: ['name'],
      registers,
    });
    this.unfinishedWork = new Gauge({
      name: 'workqueue_unfinished_work_seconds',
      help: 'Sum of how long the work under way has been going on; a number that only rises is stuck work.',
      labelNames: ['name'],
      registers,
    });
    this.longestRunning = new Gauge({
      name: 'workqueue_longest_running_processor_seconds',
      help: 'How long the oldest work under way has been going on.',
      labelNames: ['name'],
      registers,
    });
    this.leader = new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this process leads, 0 otherwise; name is the lease.',
      labelNames: ['name'],
      registers,
    });
    this.requests = new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server by method and status code; code is <error> when there was no answer.',
      labelNames: ['method', 'code'],
      registers,
    });
    this.requestSeconds = new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Time until the answer of the API server was complete.',
      labelNames: ['verb'],
      buckets: RECONCILE_BUCKETS,
      registers,
    });
    this.relists = new Counter({
      name: 'informer_lists_total',
      help: 'Complete lists fetched by informers, by kind and reason.',
      labelNames: ['kind', 'reason'],
      registers,
    });
    this.cachedObjects = new Gauge({
      name: 'informer_cached_objects',
      help: 'Objects in the cache of an informer.',
      labelNames: ['kind'],
      registers,
    });
    this.events = new Counter({
      name: 'event_recorder_events_total',
      help: 'Kubernetes events by what became of them: created, counted (added to a series), dropped, failed.',
      labelNames: ['result'],
      registers,
    });
  }
}
