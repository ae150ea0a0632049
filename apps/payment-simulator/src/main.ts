import { runProcess } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { faultsOf, readSimulatorConfig } from './config';
import { Faults } from './faults';
import { createPaymentServer } from './http-server';
import { Ledger } from './ledger';
import { watchLedger } from './watch-ledger';

runProcess('payment-simulator', readSimulatorConfig, async ({ log, readiness, onShutdown }, config) => {
  const pool = createPool({
    url: config.HEADWATER_DATABASE_URL,
    applicationName: 'payment-simulator',
    max: 4,
  });
  onShutdown('ledger', () => pool.end());
  onShutdown('ledger watch', watchLedger(pool, readiness.declare('ledger')));

  const faults = new Faults(faultsOf(config));
  const server = createPaymentServer(new Ledger(pool, faults.declines), faults, log);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.HEADWATER_HTTP_PORT, config.HEADWATER_HTTP_HOST, resolve);
  });
  onShutdown(
    'http',
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Requests that are told to time out have no end of their own.
        setTimeout(() => server.closeAllConnections(), 1_000).unref();
      }),
  );
  log.info({ port: config.HEADWATER_HTTP_PORT }, 'listening');
});
