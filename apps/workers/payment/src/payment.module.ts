import { keepErrors } from '@headwater/nest-jetstream';
import { DynamicModule, Module } from '@nestjs/common';
import { OrderJournal, OrderStore } from './order-journal';
import { PaymentController } from './payment.controller';
import { PaymentProvider } from './payment-provider';
import { TakePayment } from './take-payment';
import { DEFAULT_CURRENCY } from './tokens';
import { VoidPayment } from './void-payment';

export interface PaymentDependencies {
  store: OrderStore;
  provider: PaymentProvider;
  defaultCurrency: string;
}

/** Composition root of the payment worker. */
@Module({})
export class PaymentModule {
  static with({ store, provider, defaultCurrency }: PaymentDependencies): DynamicModule {
    const journal = new OrderJournal(store, defaultCurrency);
    const voidPayment = new VoidPayment(provider, journal);
    return {
      module: PaymentModule,
      controllers: [PaymentController],
      providers: [
        keepErrors,
        { provide: VoidPayment, useValue: voidPayment },
        { provide: TakePayment, useValue: new TakePayment(provider, journal, voidPayment) },
        { provide: DEFAULT_CURRENCY, useValue: defaultCurrency },
      ],
    };
  }
}
