import { OrderRequest, priceOrder } from './price-order';

const request = (changes: Partial<OrderRequest> = {}): OrderRequest => ({
  customer_id: 'c',
  restaurant_id: 'r',
  currency: 'EUR',
  order_items: [
    { code: 'a', name: 'A', unit_price: '10.10', quantity: 3 },
    { code: 'b', name: 'B', unit_price: 0.2, quantity: 1 },
  ],
  ...changes,
});

test('the amount is the exact sum of the items', () => {
  expect(priceOrder(request())).toMatchObject({ priced: { amount: '30.50', currency: 'EUR' } });
});

test('an amount that matches is accepted in any exact spelling', () => {
  expect(priceOrder(request({ amount: 30.5 }))).toHaveProperty('priced');
  expect(priceOrder(request({ amount: '30.500' }))).toHaveProperty('priced');
});

test.each<[string, Partial<OrderRequest>, string]>([
  ['another amount', { amount: '30.51' }, '/amount'],
  ['an amount that is no decimal', { amount: 'thirty' }, '/amount'],
  [
    'a price finer than the currency',
    { order_items: [{ code: 'a', name: 'A', unit_price: '0.001', quantity: 1 }] },
    '/order_items/0/unit_price',
  ],
  [
    'a negative price',
    { order_items: [{ code: 'a', name: 'A', unit_price: -1, quantity: 1 }] },
    '/order_items/0/unit_price',
  ],
  [
    'a sum of doubles',
    { order_items: [{ code: 'a', name: 'A', unit_price: 0.1 + 0.2, quantity: 1 }] },
    '/order_items/0/unit_price',
  ],
  [
    'a sum beyond all bounds',
    { order_items: [{ code: 'a', name: 'A', unit_price: '9999999999999', quantity: 1000 }] },
    '/order_items',
  ],
  ['no currency', { currency: 'euro' }, '/currency'],
])('%s is a fault at its pointer', (_name, changes, pointer) => {
  expect(priceOrder(request(changes))).toMatchObject({ faults: [{ pointer }] });
});

test('all faults are told at once', () => {
  const bad = { code: 'a', name: 'A', unit_price: 'x', quantity: 1 };
  expect(priceOrder(request({ order_items: [bad, bad] }))).toMatchObject({ faults: [{}, {}] });
});
