import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Step } from '@headwater/order-domain';

/** What the coordinator shows on `/metrics`. */
export class CoordinatorMetrics {
  private readonly events: Counter;
  private readonly checkpoint: Gauge;
  private readonly holding: Gauge;
  private readonly deadlines: Counter;
  private readonly lateness: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.events = new Counter({
      name: 'headwater_coordinator_events_total',
      help: 'Events from which deadlines were derived.',
      registers,
    });
    this.checkpoint = new Gauge({
      name: 'headwater_coordinator_checkpoint',
      help: 'Log position up to which the deadlines are complete.',
      registers,
    });
    this.holding = new Gauge({
      name: 'headwater_coordinator_holder',
      help: '1 on the replica that coordinates.',
      registers,
    });
    this.deadlines = new Counter({
      name: 'headwater_coordinator_deadlines_total',
      help: 'Deadlines that were over, by what was waited for and what came of it: an event, or over, later, failed, parked.',
      labelNames: ['step', 'outcome'],
      registers,
    });
    this.lateness = new Histogram({
      name: 'headwater_coordinator_late_seconds',
      help: 'Time from a deadline to the decision.',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600],
      registers,
    });
  }

  recorded(events: number, checkpoint: number): void {
    this.events.inc(events);
    this.checkpoint.set(checkpoint);
  }

  holder(is: boolean): void {
    this.holding.set(is ? 1 : 0);
  }

  fired(step: Step, outcome: string): void {
    this.deadlines.inc({ step, outcome });
  }

  late(seconds: number): void {
    this.lateness.observe(Math.max(0, seconds));
  }
}
