import { answerDebit, answerVoid, DebitRequest, firstDebit, Payment } from './payment';

const request: DebitRequest = {
  key: 'k',
  orderId: 'o',
  customerId: 'c',
  amount: 1250n,
  currency: 'EUR',
};
const debited = firstDebit(request, undefined, () => 'p1');
const decline = { code: 'amount_declined', message: 'too much' };
const declined = firstDebit(request, decline, () => 'p1');
const voidedEmpty: Payment = { key: 'k', voided: true };

test('a debit is answered the same however often it is asked for', () => {
  expect(answerDebit(debited, request)).toEqual({
    kind: 'debited',
    paymentId: 'p1',
    amount: 1250n,
    currency: 'EUR',
  });
});

test.each([
  ['amount', { amount: 1251n }],
  ['currency', { currency: 'USD' }],
  ['order', { orderId: 'other' }],
])('a key used with another %s is a clash, declined or voided as it may be', (_what, other) => {
  expect(answerDebit(debited, { ...request, ...other }).kind).toBe('clash');
  expect(answerDebit({ ...debited, voided: true }, { ...request, ...other }).kind).toBe('clash');
  expect(answerDebit(declined, { ...request, ...other }).kind).toBe('clash');
});

test('a decline is final, even after a void', () => {
  expect(answerDebit(declined, request)).toEqual({ kind: 'declined', decline });
  expect(answerDebit({ ...declined, voided: true }, request)).toEqual({ kind: 'declined', decline });
});

test('a voided key refuses every debit, whether it had one or not', () => {
  expect(answerDebit({ ...debited, voided: true }, request)).toEqual({ kind: 'refused' });
  expect(answerDebit(voidedEmpty, request)).toEqual({ kind: 'refused' });
});

test('a void gives back what was debited', () => {
  expect(answerVoid(debited)).toEqual({ amount: 1250n, currency: 'EUR', paymentId: 'p1' });
  expect(answerVoid(declined)).toEqual({ amount: 0n, currency: 'EUR' });
  expect(answerVoid(voidedEmpty)).toEqual({ amount: 0n });
});
