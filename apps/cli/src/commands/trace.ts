import { ApiClient, EventJson } from '../api-client';
import { print, table } from '../table';

export async function trace(id: string, options: { api: string; json?: boolean }): Promise<void> {
  const events = await new ApiClient(options.api).events(id);
  print(options.json ? JSON.stringify(events) : timeline(events));
}

/** One line an event: when since the first, where in the log, and which delivery of which worker it came from. */
export function timeline(events: readonly EventJson[]): string {
  const start = Date.parse(events[0]?.recorded_at ?? '');
  return table(
    ['TIME', 'AFTER', 'POSITION', 'VERSION', 'EVENT', 'BY'],
    events.map(({ recorded_at, position, version, event_type, delivery }) => [
      recorded_at,
      `+${Date.parse(recorded_at) - start} ms`,
      position,
      version,
      event_type,
      delivery === undefined
        ? 'client'
        : `${delivery.worker} (${delivery.instance}), delivery ${delivery.attempt}, ${delivery.handledMs.toFixed(1)} ms`,
    ]),
  );
}
