import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a metric reads at the moment it is scraped. */
export interface Gauged {
  inFlight(): number;
  pending(): number;
  lagSeconds(): number;
}

interface Consumer {
  of: { stream: string; consumer: string };
  gauged: Gauged;
}

/** Consumers of a registry by name; their gauges are made once and read all of them. */
const gauges = new WeakMap<Registry, Map<string, Consumer>>();

function gaugesOf(registry: Registry): Map<string, Consumer> {
  const known = gauges.get(registry);
  if (known) return known;
  const consumers = new Map<string, Consumer>();
  gauges.set(registry, consumers);
  const gauge = (name: string, help: string, read: (gauged: Gauged) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['stream', 'consumer'],
      registers: [registry],
      collect() {
        for (const { of, gauged } of consumers.values()) this.set(of, read(gauged));
      },
    });
  };
  gauge('headwater_messages_in_flight', 'Messages held by the process.', (of) => of.inFlight());
  gauge('headwater_messages_pending', 'Messages the consumer has not delivered yet.', (of) => of.pending());
  gauge('headwater_consumer_lag_seconds', 'Age of the oldest message held and not handled.', (of) =>
    of.lagSeconds(),
  );
  return consumers;
}

/** Metrics of one consumer's handling; labels are its stream and name, and the event type where it matters. */
export class HandlingMetrics {
  private readonly handledTotal: Counter;
  private readonly failedTotal: Counter;
  private readonly parkedTotal: Counter;
  private readonly givenUpTotal: Counter;
  private readonly redeliveredTotal: Counter.Internal;
  private readonly seconds: Histogram;
  /** Children by event type: a look-up of labels costs more than a trivial handler. */
  private readonly byType = new Map<
    string,
    { handled: Counter.Internal; seconds: Histogram.Internal<string> }
  >();
  private readonly of: { stream: string; consumer: string };

  constructor(registry: Registry, of: { stream: string; consumer: string }, gauged: Gauged) {
    this.of = of;
    const base = ['stream', 'consumer'];
    const counter = (name: string, help: string, ...labels: string[]): Counter => {
      const known = registry.getSingleMetric(name);
      if (known instanceof Counter) return known;
      return new Counter({ name, help, labelNames: [...base, ...labels], registers: [registry] });
    };
    gaugesOf(registry).set(`${of.stream} ${of.consumer}`, { of, gauged });
    this.handledTotal = counter('headwater_messages_handled_total', 'Messages handled and acked.', 'type');
    this.failedTotal = counter(
      'headwater_messages_failed_total',
      'Failures of a handler, by verdict.',
      'verdict',
    );
    this.parkedTotal = counter('headwater_messages_parked_total', 'Dead letters stored.', 'reason');
    this.givenUpTotal = counter(
      'headwater_messages_given_up_total',
      'Messages that the broker gave up without a dead letter: alarm.',
    );
    this.redeliveredTotal = counter(
      'headwater_messages_redelivered_total',
      'Messages delivered more than once.',
    ).labels(of);
    const known = registry.getSingleMetric('headwater_handler_seconds');
    this.seconds =
      known instanceof Histogram
        ? known
        : new Histogram({
            name: 'headwater_handler_seconds',
            help: 'Time from the start of a handler to its end.',
            labelNames: [...base, 'type'],
            buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
            registers: [registry],
          });
  }

  handled(type: string, seconds: number): void {
    let children = this.byType.get(type);
    if (!children) {
      const labels = { ...this.of, type };
      children = { handled: this.handledTotal.labels(labels), seconds: this.seconds.labels(labels) };
      this.byType.set(type, children);
    }
    children.handled.inc();
    children.seconds.observe(seconds);
  }

  failed(verdict: string): void {
    this.failedTotal.inc({ ...this.of, verdict });
  }

  parked(reason: string): void {
    this.parkedTotal.inc({ ...this.of, reason });
  }

  redelivered(): void {
    this.redeliveredTotal.inc();
  }

  givenUp(): void {
    this.givenUpTotal.inc(this.of);
  }
}
