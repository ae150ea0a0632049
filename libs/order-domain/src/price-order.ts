import {
  Fault,
  formatMoney,
  isCurrency,
  MAX_MINOR,
  MoneyError,
  OrderEventData,
  parseMoney,
} from '@headwater/contracts';

/** An order as a customer sends it; `amount` is only compared. */
export interface OrderRequest {
  customer_id: string;
  restaurant_id: string;
  currency: string;
  amount?: string | number | undefined;
  order_items: readonly { code: string; name: string; unit_price: string | number; quantity: number }[];
}

export type PricedOrder = Pick<OrderEventData<'created'>, 'amount' | 'currency' | 'order_items'>;

/**
 * Prices an order: exact unit prices, their sum as the amount, decimals in the currency's own form.
 *
 * @returns the priced part of the `created` event, or every fault with its JSON pointer
 */
export function priceOrder(request: OrderRequest): { priced: PricedOrder } | { faults: Fault[] } {
  const { currency } = request;
  if (!isCurrency(currency)) {
    return { faults: [{ pointer: '/currency', detail: 'must be three capital letters, such as EUR' }] };
  }
  const faults: Fault[] = [];
  const money = (pointer: string, value: string | number): bigint => {
    try {
      return parseMoney(value, currency);
    } catch (error) {
      if (!(error instanceof MoneyError)) throw error;
      faults.push({ pointer, detail: error.message });
      return 0n;
    }
  };
  let total = 0n;
  const order_items = request.order_items.map((item, index) => {
    const price = money(`/order_items/${index}/unit_price`, item.unit_price);
    total += price * BigInt(item.quantity);
    return { ...item, unit_price: formatMoney(price, currency) };
  });
  if (total > MAX_MINOR)
    faults.push({ pointer: '/order_items', detail: 'the sum is more than this platform takes' });
  if (request.amount !== undefined && faults.length === 0) {
    const sent = money('/amount', request.amount);
    if (faults.length === 0 && sent !== total) {
      const [was, is] = [formatMoney(sent, currency), formatMoney(total, currency)];
      faults.push({
        pointer: '/amount',
        detail: `is ${was}, but the items add up to ${is}; it may be left out`,
      });
    }
  }
  if (faults.length > 0) return { faults };
  return { priced: { amount: formatMoney(total, currency), currency, order_items } };
}
