import { reviewByRules } from './review-policy';

const review = reviewByRules({ approveUpTo: 100n, rejectedCustomers: ['mallory', 'rejected-*'] });
const order = { orderId: 'o', customerId: 'c', amount: 10_000n, currency: 'EUR' };

test.each([
  ['the limit itself', {}, undefined],
  ['a cent more', { amount: 10_001n }, 'amount_rejected'],
  ['the limit of a currency without decimals', { currency: 'JPY', amount: 100n }, undefined],
  ['more than that', { currency: 'JPY', amount: 101n }, 'amount_rejected'],
  ['a listed customer', { customerId: 'mallory' }, 'customer_rejected'],
  ['a customer whose id only begins like a listed one', { customerId: 'mallory2' }, undefined],
  ['a customer whose id begins as listed', { customerId: 'rejected-7' }, 'customer_rejected'],
])('%s', async (_case, other, code) => {
  const result = await review({ ...order, ...other });
  expect(result.approve ? undefined : result.code).toBe(code);
});
