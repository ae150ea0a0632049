import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the projection shows on `/metrics`. */
export class ProjectionMetrics {
  private readonly events: Counter;
  private readonly batches: Histogram;
  private readonly checkpoint: Gauge;
  private readonly holding: Gauge;
  private readonly halted: Gauge;
  private readonly versions: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.events = new Counter({
      name: 'headwater_projection_events_total',
      help: 'Events applied to the read model.',
      registers,
    });
    this.batches = new Histogram({
      name: 'headwater_projection_batch_seconds',
      help: 'Time of one transaction of events.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
      registers,
    });
    this.checkpoint = new Gauge({
      name: 'headwater_projection_checkpoint',
      help: 'Log position the read model has.',
      registers,
    });
    this.holding = new Gauge({
      name: 'headwater_projection_holder',
      help: '1 on the replica that projects.',
      registers,
    });
    this.halted = new Gauge({
      name: 'headwater_projection_stopped',
      help: '1 while a poison event stops it.',
      registers,
    });
    this.versions = new Gauge({
      name: 'headwater_projection_version_checkpoint',
      help: 'Log position that a version beside the active one has, on the replica that fills it.',
      labelNames: ['version'],
      registers,
    });
  }

  applied(events: number, seconds: number, checkpoint: number): void {
    this.events.inc(events);
    this.batches.observe(seconds);
    this.checkpoint.set(checkpoint);
  }

  holder(is: boolean): void {
    this.holding.set(is ? 1 : 0);
  }

  stopped(is: boolean): void {
    this.halted.set(is ? 1 : 0);
  }

  filled(version: number, checkpoint: number): void {
    this.versions.set({ version: String(version) }, checkpoint);
  }
}
