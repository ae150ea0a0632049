import { quantile } from './quantile';

test('nearest rank', () => {
  const values = [15, 20, 35, 40, 50];
  expect([0, 0.05, 0.3, 0.4, 0.5, 1].map((q) => quantile(values, q))).toEqual([15, 15, 20, 20, 35, 50]);
  expect(quantile([], 0.5)).toBeNaN();
});
