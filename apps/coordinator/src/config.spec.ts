import { ConfigError } from '@headwater/platform';
import { policyOf, readCoordinatorConfig } from './config';

const HEADWATER_DATABASE_URL = 'postgres://coordinator@localhost/coordinator';

test('everything but the database has a default; times become milliseconds', () => {
  const config = readCoordinatorConfig({ HEADWATER_DATABASE_URL, HEADWATER_DEADLINE_VOID_SECONDS: '0.25' });
  expect(policyOf(config)).toEqual({
    paymentMs: 300_000,
    reviewMs: 300_000,
    voidMs: 250,
    voidMostMs: 3_600_000,
    voidAttempts: 10,
  });
});

test('every fault is listed', () => {
  const read = (): unknown =>
    readCoordinatorConfig({
      HEADWATER_DEADLINE_PAYMENT_SECONDS: 'soon',
      HEADWATER_VOID_ATTEMPTS: '0',
      HEADWATER_NATS_URL: 'http://nats',
    });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(
    /HEADWATER_NATS_URL[^]*HEADWATER_DATABASE_URL[^]*HEADWATER_DEADLINE_PAYMENT_SECONDS[^]*HEADWATER_VOID_ATTEMPTS/,
  );
});
