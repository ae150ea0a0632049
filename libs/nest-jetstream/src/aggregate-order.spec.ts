import { AggregateOrder } from './aggregate-order';

test('only the first of an aggregate is free; releasing it frees the next', () => {
  const order = new AggregateOrder<string>();
  expect(order.join('a', 'a1')).toBe(true);
  expect(order.join('a', 'a2')).toBe(false);
  expect(order.join('b', 'b1')).toBe(true);
  expect(order.join('a', 'a3')).toBe(false);
  expect(order.release('a')).toBe('a2');
  expect(order.head('a')).toBe('a2');
  expect(order.release('a')).toBe('a3');
  expect(order.release('a')).toBeUndefined();
  expect(order.join('a', 'a4')).toBe(true);
});
