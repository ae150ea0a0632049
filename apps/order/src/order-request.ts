import { z } from 'zod';
import { LIMITS } from '@headwater/contracts';

const id = z
  .string()
  .min(1)
  .max(LIMITS.idLength)
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'must not contain control characters');
const decimal = z
  .union([z.string().max(40), z.number()])
  .describe('A decimal string such as "12.50", or an exact number');

const orderItem = z.strictObject({
  code: id,
  name: z.string().max(500),
  unit_price: decimal,
  quantity: z.number().int().min(1).max(1_000_000),
});

/**
 * Body of `POST /api/orders`. `order_id`, `status` and `created_on` are the server's; they are accepted and not used,
 * because clients of the Go sample send them.
 */
export const orderRequest = z.strictObject({
  customer_id: id,
  restaurant_id: id,
  currency: z.string().max(40).optional(),
  amount: decimal.optional().describe('May be left out; must be the sum of the items when it is there'),
  order_items: z.array(orderItem).min(1).max(500),
  order_id: z.string().max(LIMITS.idLength).optional(),
  status: z.string().max(40).optional(),
  created_on: z.union([z.string().max(60), z.number()]).optional(),
});
export type OrderRequestBody = z.infer<typeof orderRequest>;
