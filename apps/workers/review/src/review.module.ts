import { keepErrors } from '@headwater/nest-jetstream';
import { DynamicModule, Module } from '@nestjs/common';
import { OrderStore, ReviewOrder } from './review-order';
import { ReviewPolicy } from './review-policy';
import { ReviewController } from './review.controller';
import { DEFAULT_CURRENCY } from './tokens';

export interface ReviewDependencies {
  store: OrderStore;
  policy: ReviewPolicy;
  defaultCurrency: string;
}

/** Composition root of the review worker. */
@Module({})
export class ReviewModule {
  static with({ store, policy, defaultCurrency }: ReviewDependencies): DynamicModule {
    return {
      module: ReviewModule,
      controllers: [ReviewController],
      providers: [
        keepErrors,
        { provide: ReviewOrder, useValue: new ReviewOrder(store, policy, defaultCurrency) },
        { provide: DEFAULT_CURRENCY, useValue: defaultCurrency },
      ],
    };
  }
}
