import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { ORDER_STATUSES } from '@headwater/order-domain';
import { cancelRequest } from './cancel-order';
import { orderRequest } from './order-request';

const orderItem = z.object({
  code: z.string(),
  name: z.string(),
  unit_price: z.string(),
  quantity: z.number().int(),
});

const order = z.object({
  order_id: z.string(),
  customer_id: z.string(),
  restaurant_id: z.string(),
  status: z.enum(ORDER_STATUSES),
  reason: z.string().optional(),
  currency: z.string(),
  amount: z.string().describe('Decimal string in the currency'),
  created_on: z.string(),
  updated_on: z.string(),
  order_items: z.array(orderItem),
  version: z.number().int(),
  position: z.number().int().describe('Log position of the last event seen'),
});

const event = z.object({
  events: z.array(
    z.object({
      position: z.number().int(),
      version: z.number().int(),
      event_id: z.string(),
      event_type: z.string(),
      recorded_at: z.string(),
      caused_by: z.string().optional(),
      traceparent: z.string().optional(),
      delivery: z
        .object({
          worker: z.string(),
          instance: z.string(),
          attempt: z.number(),
          receivedAt: z.string(),
          handledMs: z.number(),
        })
        .optional(),
      data: z.unknown(),
    }),
  ),
});

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});

/** Models of the OpenAPI page; the checks themselves use the schemas. */
export class OrderRequestDto extends createZodDto(orderRequest) {}
export class CancelRequestDto extends createZodDto(cancelRequest) {}
export class CancelDto extends createZodDto(
  z.object({ order_id: z.string(), status: z.enum(ORDER_STATUSES), version: z.number().int() }),
) {}
export class OrderDto extends createZodDto(order) {}
export class OrderListDto extends createZodDto(
  z.object({ orders: z.array(order), next_cursor: z.string().nullable() }),
) {}
export class EventDto extends createZodDto(event) {}
export class ProblemDto extends createZodDto(problem) {}
