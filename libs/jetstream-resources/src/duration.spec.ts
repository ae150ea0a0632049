import { parseDuration } from './duration';

test.each([
  ['0', 0],
  ['0s', 0],
  ['2s', 2e9],
  ['100ms', 1e8],
  ['1h30m', 5400e9],
  ['1.5s', 1.5e9],
  ['10us', 1e4],
  ['7ns', 7],
  ['8760h', 31_536_000e9],
])('%s is %d nanoseconds', (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds);
});

test.each(['', '5', '-1s', '1d', '1h 2m', 's', '1e3s', '99999999999h', '876001h'])(
  '%j is refused',
  (text) => {
    expect(() => parseDuration(text)).toThrow(RangeError);
  },
);
