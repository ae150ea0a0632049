import { isEmpty } from './canonical';
import { ServerConfig } from './jetstream-info';

const THIRTY_SECONDS = 30e9;
const TWO_MINUTES = 120e9;
const ONE_SECOND = 1e9;

/** Bounds that a stream sets for its consumers, as the server holds them. */
export interface ConsumerLimits {
  readonly max_ack_pending?: number | undefined;
  readonly inactive_threshold?: number | undefined;
}

/**
 * A consumer's configuration as the server completes it. Both what is declared and what is held are compared in this form;
 * what it fills in is never sent. Source: nats-server, `setConsumerConfigDefaults`.
 */
export function completeConsumer(config: ServerConfig, limits: ConsumerLimits = {}): Record<string, unknown> {
  const complete: Record<string, unknown> = { ...config };
  const ackPolicy = complete['ack_policy'] ?? 'explicit';
  const push = !isEmpty(complete['deliver_subject']);
  const backoff = complete['backoff'];
  if (Array.isArray(backoff) && backoff.length > 0) complete['ack_wait'] = backoff[0];
  else if (isEmpty(complete['ack_wait']) && (ackPolicy === 'explicit' || ackPolicy === 'all'))
    complete['ack_wait'] = THIRTY_SECONDS;
  if (isEmpty(complete['max_ack_pending']))
    complete['max_ack_pending'] = limits.max_ack_pending || (ackPolicy === 'none' ? 0 : 1000);
  if (isEmpty(complete['inactive_threshold']))
    complete['inactive_threshold'] = limits.inactive_threshold ?? 0;
  if (!push && isEmpty(complete['max_waiting'])) complete['max_waiting'] = 512;
  if (complete['priority_policy'] === 'pinned_client' && isEmpty(complete['priority_timeout']))
    complete['priority_timeout'] = TWO_MINUTES;
  if (ackPolicy === 'flow_control') {
    complete['flow_control'] = true;
    complete['idle_heartbeat'] = ONE_SECOND;
  }
  return complete;
}
