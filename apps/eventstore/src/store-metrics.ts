import { Counter, Histogram, Registry } from 'prom-client';
import { EventStoreOptions } from '@headwater/eventstore';

/** What the store shows of its batches. */
export function storeMetrics(registry: Registry): Pick<EventStoreOptions, 'onBatch' | 'onRetry'> {
  const registers = [registry];
  const labelNames = ['log'] as const;
  const seconds = new Histogram({
    name: 'headwater_append_batch_seconds',
    help: 'Time from the start of a batch to its commit.',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const size = new Histogram({
    name: 'headwater_append_batch_appends',
    help: 'Appends that were committed together.',
    labelNames,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  });
  const retries = new Counter({
    name: 'headwater_append_retries_total',
    help: 'Batches that ran again because of a collision or a lost connection.',
    labelNames,
    registers,
  });
  return {
    onBatch: (log, appends, _head, ms) => {
      seconds.observe({ log }, ms / 1000);
      size.observe({ log }, appends);
    },
    onRetry: (log) => retries.inc({ log }),
  };
}
