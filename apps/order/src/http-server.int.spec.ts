import { request } from 'node:https';
import { EventStoreClient } from '@headwater/eventstore-client';
import { ConfigError, serverCertificate } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { selfSigned } from '@headwater/testing';
import pino from 'pino';
import { readOrderConfig } from './config';
import { closeHttpServer, createHttpServer } from './http-server';
import { OrderWatchers } from './order-watchers';

/** Status of a request for the API's description, of a client that trusts `ca` only. */
const statusOf = (port: number, ca: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: 'localhost', port, path: '/docs-json', ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.once('error', reject).end();
  });

test('with a certificate the API speaks TLS', async () => {
  const { cert, key } = await selfSigned('localhost');
  const config = readOrderConfig({
    HEADWATER_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    HEADWATER_TLS_CERT: cert,
    HEADWATER_TLS_KEY: key,
  });
  const log = pino({ enabled: false });
  const store = new EventStoreClient({ address: '127.0.0.1:1', channels: 1 });
  const database = createPool({ url: config.HEADWATER_DATABASE_URL, applicationName: 'test' });
  const watchers = new OrderWatchers(store, log);
  const app = await createHttpServer({ store, database, watchers, config }, log, serverCertificate(config));
  try {
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    expect(await statusOf(port, cert)).toBe(200);
    await expect(statusOf(port, (await selfSigned('localhost')).cert)).rejects.toThrow(/self-signed/);
    await expect(fetch(`http://127.0.0.1:${port}/docs-json`)).rejects.toThrow();
  } finally {
    await watchers.close();
    await closeHttpServer(app);
    await store.close();
    await database.end();
  }
});

test('a certificate without its key is a fault of the configuration', () => {
  expect(() => serverCertificate({ HEADWATER_TLS_CERT: 'x' })).toThrow(ConfigError);
  expect(() => serverCertificate({ HEADWATER_TLS_KEY: 'x' })).toThrow(/HEADWATER_TLS_CERT: is missing/);
  expect(serverCertificate({})).toBeUndefined();
});
