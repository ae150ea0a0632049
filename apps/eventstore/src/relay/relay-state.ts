import { Counter, Gauge, Registry } from 'prom-client';

/** What a relay shows of itself. */
export interface RelayState {
  log: string;
  /** Highest position that is in the stream together with all before it. */
  relayed: number;
  /** Last position of the log. */
  head: number;
  /** Age of the oldest event that is not in the stream yet; 0 when all are. */
  lagSeconds: number;
  /** This process holds the lease and does the work. */
  holder: boolean;
  /** Why it has stopped until somebody acts; absent while it works. */
  halted?: string;
  /** What it waits for and expects to come by itself, such as JetStream or the database. */
  waiting?: string;
}

/** The relays' metrics in a registry; one set for all logs of a process. */
export interface RelayMetrics {
  observe(state: RelayState): void;
  published(log: string, messages: number): void;
  compared(log: string, result: string): void;
}

const METRICS = new WeakMap<Registry, RelayMetrics>();

export function relayMetrics(registry: Registry): RelayMetrics {
  const known = METRICS.get(registry);
  if (known) return known;
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge<'log'> =>
    new Gauge({ name, help, labelNames: ['log'], registers });
  const position = gauge('headwater_relay_position', 'Highest position that is in the stream');
  const lagEvents = gauge('headwater_relay_lag_events', 'Events of the log that are not in the stream yet');
  const lagSeconds = gauge(
    'headwater_relay_lag_seconds',
    'Age of the oldest event that is not in the stream yet',
  );
  const halted = gauge('headwater_relay_halted', '1 while the relay has stopped until somebody acts');
  const holder = gauge('headwater_relay_holder', '1 in the process that relays the log');
  const published = new Counter({
    name: 'headwater_relay_acknowledged_total',
    help: 'Messages that JetStream has acknowledged',
    labelNames: ['log'],
    registers,
  });
  const compared = new Counter({
    name: 'headwater_relay_comparisons_total',
    help: 'Comparisons of log and stream by what they found',
    labelNames: ['log', 'result'],
    registers,
  });
  const metrics: RelayMetrics = {
    observe: (state) => {
      const labels = { log: state.log };
      position.set(labels, state.relayed);
      lagEvents.set(labels, Math.max(0, state.head - state.relayed));
      lagSeconds.set(labels, state.lagSeconds);
      halted.set(labels, state.halted === undefined ? 0 : 1);
      holder.set(labels, state.holder ? 1 : 0);
    },
    published: (log, messages) => published.inc({ log }, messages),
    compared: (log, result) => compared.inc({ log, result }),
  };
  METRICS.set(registry, metrics);
  return metrics;
}
