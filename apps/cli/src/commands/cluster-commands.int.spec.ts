import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithControlPlane, startTestControlPlane, type TestControlPlane } from '@headwater/testing';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { CommandFailed } from '../command-failed';
import { createCredentials } from './credentials';
import { applyCrds, DEFAULT_FOLDER, VERSION_ANNOTATION } from './crds';

const SECRETS = { natsSecret: 'nats', databaseSecret: 'sql', databaseHost: 'postgres' };

describeWithControlPlane('commands that the charts’ Jobs run', () => {
  let plane: TestControlPlane;
  let folder: string;
  let namespace: string;
  const environment = process.env['KUBECONFIG'];

  beforeAll(async () => {
    plane = await startTestControlPlane();
    folder = await mkdtemp(join(tmpdir(), 'headwater-cli-'));
  }, 60_000);

  afterAll(async () => {
    if (environment === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = environment;
    await plane.stop();
    await rm(folder, { recursive: true, force: true });
  }, 30_000);

  /** Commands find the cluster as any pod or person does; here by a kubeconfig whose context names the namespace. */
  beforeEach(async () => {
    namespace = await plane.createNamespace('cli');
    const config = parse(await readFile(plane.kubeConfigFile, 'utf8')) as {
      contexts: { context: { namespace?: string } }[];
    };
    for (const { context } of config.contexts) context.namespace = namespace;
    process.env['KUBECONFIG'] = join(folder, 'kubeconfig');
    await writeFile(process.env['KUBECONFIG'], stringify(config));
  });

  const pathOf = (name: string): string => `/api/v1/namespaces/${namespace}/secrets/${name}`;

  async function read(name: string): Promise<Record<string, string>> {
    const { data } = await plane.request({ method: 'GET', path: pathOf(name) });
    return Object.fromEntries(
      Object.entries(data as Record<string, string>).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString(),
      ]),
    );
  }

  it('makes credentials once and leaves them as they are', async () => {
    await createCredentials(SECRETS);
    const [nats, sql] = [await read('nats'), await read('sql')];
    expect(Object.keys(nats)).toEqual(
      expect.arrayContaining(['eventstore', 'declarations', 'passwords.conf']),
    );
    expect(nats['passwords.conf']).toContain(`PASSWORD_payment: ${JSON.stringify(nats['payment'])}\n`);
    expect(sql['order-api-url']).toBe(
      `postgres://order_api:${sql['order-api-password']}@postgres:5432/order_read_model`,
    );
    const passwords = [...Object.values(nats), ...Object.values(sql)];
    expect(new Set(passwords).size).toBe(passwords.length);

    await createCredentials(SECRETS);
    expect([await read('nats'), await read('sql')]).toEqual([nats, sql]);
  });

  it('adds what a later release needs and changes no password that is there', async () => {
    const known = { payment: Buffer.from('long known').toString('base64') };
    await plane.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/secrets`,
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'nats' }, data: known },
    });
    await createCredentials(SECRETS);
    const nats = await read('nats');
    expect(nats['payment']).toBe('long known');
    expect(nats['passwords.conf']).toContain('PASSWORD_payment: "long known"\n');
    expect(nats['review']).toMatch(/^[\w-]{32}$/);
  });

  it('makes the same credentials when two make them at once', async () => {
    await Promise.all([createCredentials(SECRETS), createCredentials(SECRETS)]);
    const { payment, ...nats } = await read('nats');
    expect(nats['passwords.conf']).toContain(`PASSWORD_payment: ${JSON.stringify(payment)}\n`);
  });

  const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/streams.jetstream.headwater.dev';
  const versionInCluster = async (): Promise<string | undefined> => {
    const { metadata } = await plane.request({ method: 'GET', path: crdPath });
    return (metadata as { annotations: Record<string, string> }).annotations[VERSION_ANNOTATION];
  };

  it('applies CRDs, newer over older, and refuses to put older ones over newer', async () => {
    const [document] = parseAllDocuments(await readFile(join(DEFAULT_FOLDER, 'streams.yaml'), 'utf8'));
    const newer = document!.toJS() as { metadata: { annotations: Record<string, string> } };
    newer.metadata.annotations[VERSION_ANNOTATION] = '99.1.0';
    const folderOfNewer = await mkdtemp(join(folder, 'crds-'));
    await writeFile(join(folderOfNewer, 'streams.yaml'), stringify(newer));

    await applyCrds({ folder: DEFAULT_FOLDER });
    const ours = await versionInCluster();
    expect(ours).toMatch(/^\d+\.\d+\.\d+$/);
    await applyCrds({ folder: folderOfNewer });
    expect(await versionInCluster()).toBe('99.1.0');
    const refused = applyCrds({ folder: DEFAULT_FOLDER });
    await expect(refused).rejects.toThrow(CommandFailed);
    await expect(refused).rejects.toThrow(`is of release 99.1.0, this is ${ours}`);
    expect(await versionInCluster()).toBe('99.1.0');
  });
});
