import { Registry } from 'prom-client';
import {
  describeWithControlPlane,
  eventually,
  startTestControlPlane,
  TestControlPlane,
} from '@headwater/testing';
import { clientOf, grant, Widget, WIDGET, WIDGET_CRD, widget } from '../test/fixture';
import { keptLog } from '../test/kept-log';
import { runWidgetController } from '../test/widget-controller';
import { EVENT } from './event-recorder';
import { KubernetesClient } from './index';

describeWithControlPlane('a whole controller', () => {
  let control: TestControlPlane;
  let admin: KubernetesClient;
  let client: KubernetesClient;
  let namespace: string;
  beforeAll(async () => {
    control = await startTestControlPlane();
    await control.installCrds(WIDGET_CRD);
    admin = clientOf(control.admin);
    namespace = await control.createNamespace();
    client = clientOf(await control.serviceAccount(namespace, 'widget-controller'));
    await grant(control, namespace, 'widget-controller', [
      { apiGroups: [WIDGET.group], resources: ['widgets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [WIDGET.group], resources: ['widgets/status'], verbs: ['patch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    ]);
  });
  afterAll(async () => {
    await client.close();
    await admin.close();
    await control.stop();
  });

  const statusOf = async (name: string): Promise<unknown> =>
    (await admin.get<Widget>(WIDGET, { namespace, name }))?.status;

  test('works with two replicas through a restart of the API server, a stop and a take-over', async () => {
    const lease = { leaseMs: 30_000, renewMs: 29_000, retryMs: 200 };
    const start = (identity: string): { stop: AbortController; ended: Promise<void>; registry: Registry } => {
      const stop = new AbortController();
      const registry = new Registry();
      const log = keptLog();
      const { signal } = stop;
      return {
        stop,
        registry,
        ended: runWidgetController({ client, namespace, identity, signal, registry, log, lease }),
      };
    };
    const replicas = [start('one'), start('two')];
    for (let i = 0; i < 30; i++) await admin.create<Widget>(WIDGET, widget(namespace, `w${i}`, { size: i }));
    await admin.create<Widget>(WIDGET, widget(namespace, 'odd'));
    const ready = async (name: string, size: number): Promise<void> => {
      const conditions = [
        expect.objectContaining({ type: 'Ready', status: 'True', message: `it is ${size} large` }),
      ];
      expect(await statusOf(name)).toMatchObject({ size, conditions });
    };
    await eventually(async () => {
      for (let i = 0; i < 30; i++) await ready(`w${i}`, i);
    });
    await eventually(async () =>
      expect(await statusOf('odd')).toMatchObject({ conditions: [{ status: 'False', reason: 'NoSize' }] }),
    );

    await control.kill();
    await control.restart();
    await admin.patch(WIDGET, { namespace, name: 'odd' }, { spec: { size: 99 } });
    await eventually(() => ready('odd', 99));

    // Nothing differs any more: nothing is written.
    const versions = async (): Promise<unknown[]> =>
      (await admin.list(WIDGET, { namespace })).items.map(({ metadata }) => metadata.resourceVersion);
    const settled = await versions();
    const leads = async (registry: Registry): Promise<boolean> =>
      (await registry.metrics()).includes('leader_election_master_status{name="widget-controller"} 1');
    const [first, second] = (await leads(replicas[0]!.registry)) ? replicas : [...replicas].reverse();
    first!.stop.abort();
    await first!.ended;
    await eventually(async () => expect(await leads(second!.registry)).toBe(true));
    const text = 'controller_runtime_reconcile_total{controller="widget",result="success"} 31';
    await eventually(async () => expect(await second!.registry.metrics()).toContain(text));
    expect(await versions()).toEqual(settled);

    await admin.patch(WIDGET, { namespace, name: 'w0' }, { spec: { size: 7 } });
    await eventually(() => ready('w0', 7));
    second!.stop.abort();
    await second!.ended;
    const notes = (await admin.list(EVENT, { namespace })).items.map(
      (event) => 'note' in event && event.note,
    );
    expect(notes).toEqual(
      expect.arrayContaining(['it is 29 large', 'spec.size is not set', 'it is 7 large']),
    );
  });
});
