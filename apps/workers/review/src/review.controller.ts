import { decodeOrderEvent, type RecordedEvent } from '@headwater/contracts';
import { JetStreamContext, TerminalError } from '@headwater/nest-jetstream';
import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { ReviewOrder } from './review-order';
import { DEFAULT_CURRENCY } from './tokens';

/** The event that this worker reacts to. */
@Controller()
export class ReviewController {
  constructor(
    private readonly reviewOrder: ReviewOrder,
    @Inject(DEFAULT_CURRENCY) private readonly defaultCurrency: string,
  ) {}

  @EventPattern('ORDERS.paymentdebited')
  async paymentDebited(@Payload() event: RecordedEvent, @Ctx() context: JetStreamContext): Promise<void> {
    const decoded = decodeOrderEvent(event, this.defaultCurrency);
    if (decoded.name !== 'paymentdebited')
      throw new TerminalError(`${event.eventType} is not paymentdebited`);
    await this.reviewOrder.handle(event, decoded.data, context);
  }
}
