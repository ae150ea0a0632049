import { RecordedEvent } from '@headwater/contracts';
import { deliveryFromLog, JetStreamContext } from '@headwater/nest-jetstream';

/** The context of an event's delivery. */
export const delivered = (event: RecordedEvent): JetStreamContext =>
  new JetStreamContext(deliveryFromLog(event), 'review-worker', 1, new AbortController().signal);
