import { describeWithControlPlane, startTestNats, type TestNats } from '@headwater/testing';
import {
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

const SECRET = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

describeWithControlPlane('Connection resources', () => {
  let world: ControllerWorld;
  let controller: ControllerProcess;
  let resources: Resources;
  let guarded: TestNats;

  beforeAll(async () => {
    [world, guarded] = await Promise.all([
      startControllerWorld(),
      startTestNats({ passwords: { declarations: 'open sesame', coordinator: 'unused' } }),
    ]);
    controller = await world.start();
    resources = await world.namespace();
  }, 120_000);

  afterAll(async () => {
    await world?.end();
    await guarded?.stop();
  }, 60_000);

  const putSecret = (name: string, stringData: Record<string, string>) =>
    world.kube.apply(
      SECRET,
      { metadata: { name, namespace: resources.namespace }, stringData },
      { fieldManager: 'test', force: true },
    );
  const guardedConnection = (name: string, secret: string, more: object = {}) =>
    resources.create('Connection', name, {
      servers: [guarded.url],
      inboxPrefix: '_INBOX_declarations',
      credentials: { userPassword: { name: secret } },
      ...more,
    });

  test('a Secret that is missing, lacks a key or is wrong shows as a condition, and heals when it is mended', async () => {
    await guardedConnection('healing', 'login');
    await resources.create('Stream', 'healing', { name: 'HEALING', connection: { name: 'healing' } });
    await resources.until('Connection', 'healing', { Ready: 'False:SecretMissing' });
    expect(await resources.messageOf('Connection', 'healing')).toContain(`${resources.namespace}/login`);
    await resources.until('Stream', 'healing', { Ready: 'False:ConnectionNotReady' });

    await putSecret('login', { username: 'declarations' });
    await resources.until('Connection', 'healing', { Ready: 'False:SecretKeyMissing' });
    expect(await resources.messageOf('Connection', 'healing')).toContain('password');

    await putSecret('login', { username: 'declarations', password: 'wrong' });
    await resources.until('Connection', 'healing', { Ready: 'False:AuthenticationFailed' });
    await resources.until('Stream', 'healing', { Connected: 'False' });

    await putSecret('login', { username: 'declarations', password: 'open sesame' });
    const { status } = await resources.until('Connection', 'healing', { Ready: 'True:Connected' });
    expect(status).toMatchObject({ serverVersion: expect.stringMatching(/^2\./) });
    await resources.untilReady('Stream', 'healing');
    // Neither the right nor the wrong password is told anywhere.
    const said = [...(await controller.logs()), JSON.stringify(status)].join('\n');
    expect(said).not.toMatch(/open sesame|"wrong"/);
  });

  test('rotated credentials take effect at once, and wrong ones do not end what works', async () => {
    await putSecret('rotating', { username: 'declarations', password: 'open sesame' });
    await guardedConnection('rotating', 'rotating');
    await resources.create('Stream', 'rotating', { name: 'ROTATING', connection: { name: 'rotating' } });
    await resources.untilReady('Stream', 'rotating');
    await putSecret('rotating', { username: 'declarations', password: 'of yesterday' });
    await resources.until('Connection', 'rotating', { Ready: 'False:AuthenticationFailed' });
    await resources.patch('Stream', 'rotating', { spec: { maxMsgs: 5 } });
    await resources.untilReady('Stream', 'rotating');
    await putSecret('rotating', { username: 'declarations', password: 'open sesame' });
    await resources.until('Connection', 'rotating', { Ready: 'True:Connected' });
    await resources.patch('Stream', 'rotating', { spec: { maxMsgs: 6 } });
    await resources.untilReady('Stream', 'rotating');
  });

  test('a Connection is shared with the namespaces it names, and no others', async () => {
    await resources.create('Connection', 'shared', { servers: [world.nats.url] });
    const guest = await world.namespace();
    const connection = { name: 'shared', namespace: resources.namespace };
    await guest.create('Stream', 'guest', { name: 'GUEST', connection });
    await guest.until('Stream', 'guest', { Ready: 'False:ConnectionNotAllowed', Stalled: 'True' });
    expect(await guest.messageOf('Stream', 'guest')).toContain('allowedNamespaces');
    await resources.patch('Connection', 'shared', { spec: { allowedNamespaces: [guest.namespace] } });
    await guest.untilReady('Stream', 'guest');
  });

  test('a Connection that is missing is waited for, and its end is told', async () => {
    await resources.create('Stream', 'early', { name: 'EARLY', connection: { name: 'later' } });
    await resources.until('Stream', 'early', { Ready: 'False:ConnectionNotFound' });
    await resources.create('Connection', 'later', { servers: [world.nats.url] });
    await resources.untilReady('Stream', 'early');
    await resources.delete('Connection', 'later');
    await resources.until('Stream', 'early', { Ready: 'False:ConnectionNotFound' });
  });

  test('a server that is not there names itself in the condition and holds up nobody', async () => {
    await resources.create('Connection', 'nowhere', { servers: ['nats://127.0.0.1:9'] });
    await resources.until('Connection', 'nowhere', { Ready: 'False:Unreachable' });
    await resources.create('Stream', 'elsewhere', { name: 'ELSEWHERE' });
    await resources.untilReady('Stream', 'elsewhere');
  });

  test('addresses with credentials are refused at admission', async () => {
    await expect(
      resources.create('Connection', 'leak', { servers: ['nats://user:secret@nats:4222'] }),
    ).rejects.toThrow(/servers/);
    await expect(
      resources.create('Connection', 'two', {
        servers: ['nats://nats:4222'],
        credentials: { token: { name: 'a' }, nkey: { name: 'b' } },
      }),
    ).rejects.toThrow(/exactly one/);
  });
});
