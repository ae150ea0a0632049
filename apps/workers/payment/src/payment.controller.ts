import { decodeOrderEvent, type RecordedEvent } from '@headwater/contracts';
import { JetStreamContext, TerminalError } from '@headwater/nest-jetstream';
import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { TakePayment } from './take-payment';
import { DEFAULT_CURRENCY } from './tokens';
import { VoidPayment } from './void-payment';

/** The events that this worker reacts to. */
@Controller()
export class PaymentController {
  constructor(
    private readonly takePayment: TakePayment,
    private readonly voidPayment: VoidPayment,
    @Inject(DEFAULT_CURRENCY) private readonly defaultCurrency: string,
  ) {}

  @EventPattern('ORDERS.created')
  async created(@Payload() event: RecordedEvent, @Ctx() context: JetStreamContext): Promise<void> {
    const decoded = decodeOrderEvent(event, this.defaultCurrency);
    if (decoded.name !== 'created') throw new TerminalError(`${event.eventType} is not created`);
    await this.takePayment.handle(event, decoded.data, context);
  }

  @EventPattern('ORDERS.voidrequested')
  async voidRequested(@Payload() event: RecordedEvent, @Ctx() context: JetStreamContext): Promise<void> {
    const decoded = decodeOrderEvent(event, this.defaultCurrency);
    if (decoded.name !== 'voidrequested') throw new TerminalError(`${event.eventType} is not voidrequested`);
    await this.voidPayment.handle(event, decoded.data.payment_key, context);
  }
}
