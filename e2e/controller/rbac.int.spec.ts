import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { findHelm } from '@headwater/embedded';
import { describeWithControlPlane } from '@headwater/testing';
import {
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';
import { parseAllDocuments } from 'yaml';

const CHART = resolve(__dirname, '../../charts/jetstream-controller');
const NAME = 'jetstream-controller';

interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const PLURALS: Readonly<Record<string, string>> = {
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  ConfigMap: 'configmaps',
};

describeWithControlPlane("the chart's own ServiceAccount", () => {
  let world: ControllerWorld;

  beforeAll(async () => {
    world = await startControllerWorld();
  }, 120_000);

  afterAll(() => world?.end(), 60_000);

  /** Applies what the chart renders of rights and markers, as Helm would. */
  const install = async (namespace: string, scope: 'Cluster' | 'Namespace'): Promise<void> => {
    const { stdout } = await promisify(execFile)(await findHelm(resolve(__dirname, '../../tools/helm')), [
      ...['template', NAME, CHART, '--namespace', namespace],
      ...[
        '--set',
        `scope=${scope}`,
        '--set',
        'nats.url=nats://nats:4222',
        '--set',
        'secretAccess.names={allowed}',
      ],
    ]);
    const objects = parseAllDocuments(stdout).map((document) => document.toJS() as Rendered | null);
    for (const object of objects) {
      const plural = object && PLURALS[object.kind];
      if (!object || !plural || object.metadata.name.includes('crd')) continue;
      const group = object.apiVersion.includes('/')
        ? `/apis/${object.apiVersion}`
        : `/api/${object.apiVersion}`;
      const place = object.metadata.namespace === undefined ? '' : `/namespaces/${object.metadata.namespace}`;
      await world.plane.request({
        method: 'PATCH',
        path: `${group}${place}/${plural}/${object.metadata.name}?fieldManager=helm&force=true`,
        body: object,
        contentType: 'application/apply-patch+yaml',
      });
    }
  };
  const putSecret = (namespace: string, name: string) =>
    world.kube.apply(
      { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true },
      { metadata: { name, namespace }, stringData: { token: 'x' } },
      { fieldManager: 'test', force: true },
    );

  /** Everything that the controller does to objects of a namespace. */
  const exercise = async (resources: Resources): Promise<void> => {
    await resources.create('Stream', 'one', { name: `ONE-${resources.namespace}`, deletionPolicy: 'Delete' });
    await resources.create('Consumer', 'two', {
      streamName: `ONE-${resources.namespace}`,
      durableName: 'two',
    });
    await resources.untilReady('Stream', 'one');
    await resources.untilReady('Consumer', 'two');
    await putSecret(resources.namespace, 'allowed');
    await putSecret(resources.namespace, 'secret');
    const servers = [world.nats.url];
    await resources.create('Connection', 'may', { servers, credentials: { token: { name: 'allowed' } } });
    await resources.until('Connection', 'may', { Ready: 'True' });
    await resources.create('Connection', 'may-not', { servers, credentials: { token: { name: 'secret' } } });
    await resources.until('Connection', 'may-not', { Ready: 'False:SecretForbidden' });
    await resources.delete('Consumer', 'two');
    await resources.delete('Stream', 'one');
    await resources.untilGone('Stream', 'one');
  };

  /** Refusals, other than that of the Secret that it is to be refused. */
  const refusals = async (controller: ControllerProcess): Promise<string[]> =>
    (await controller.logs()).filter((line) => /forbidden/i.test(line) && !line.includes('"secret\\"'));

  const may = async (
    namespace: string,
    ...attributes: { verb: string; group?: string; resource: string; namespace?: string; name?: string }[]
  ): Promise<boolean[]> =>
    Promise.all(
      attributes.map(async (resourceAttributes) => {
        const review = await world.plane.request({
          method: 'POST',
          path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SubjectAccessReview',
            spec: {
              user: `system:serviceaccount:${namespace}:${NAME}`,
              groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
              resourceAttributes,
            },
          },
        });
        return (review['status'] as { allowed: boolean }).allowed;
      }),
    );

  test('of one namespace: does all of its work there, and can do nothing elsewhere', async () => {
    const resources = await world.namespace();
    const { namespace } = resources;
    await install(namespace, 'Namespace');
    const controller = await world.start({
      access: await world.plane.serviceAccount(namespace, NAME),
      leaseNamespace: namespace,
      env: {
        HEADWATER_WATCH_NAMESPACE: namespace,
        HEADWATER_SCOPE_MARKER: 'jetstream-controller-scope',
        HEADWATER_HANDOVER_SECONDS: '0',
        HEADWATER_LEASE_NAME: NAME,
      },
    });
    await exercise(resources);
    expect(await refusals(controller)).toEqual([]);
    const group = 'jetstream.headwater.dev';
    const answers = await may(
      namespace,
      { verb: 'list', group, resource: 'streams', namespace: 'default' },
      { verb: 'get', resource: 'secrets', namespace, name: 'secret' },
      { verb: 'list', resource: 'secrets', namespace },
      { verb: 'create', group, resource: 'streams', namespace },
      { verb: 'delete', group, resource: 'streams', namespace },
      { verb: 'create', resource: 'pods', namespace },
      { verb: 'patch', resource: 'configmaps', namespace, name: 'other' },
    );
    expect(answers).toEqual([false, false, false, false, false, false, false]);
    await controller.stop();
  }, 90_000);

  test('cluster-wide: does its work in every namespace, and no more', async () => {
    const home = await world.namespace();
    await install(home.namespace, 'Cluster');
    const controller = await world.start({
      access: await world.plane.serviceAccount(home.namespace, NAME),
      leaseNamespace: home.namespace,
      env: { HEADWATER_LEASE_NAME: NAME },
    });
    await exercise(await world.namespace());
    expect(await refusals(controller)).toEqual([]);
    const answers = await may(
      home.namespace,
      { verb: 'get', resource: 'secrets', namespace: 'default', name: 'other' },
      { verb: 'update', group: 'coordination.k8s.io', resource: 'leases', namespace: 'default', name: NAME },
      { verb: 'create', group: 'jetstream.headwater.dev', resource: 'streams', namespace: 'default' },
      { verb: 'escalate', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
      // Markers have one name, by which they are listed and watched; no other ConfigMap can be read.
      { verb: 'list', resource: 'configmaps' },
      { verb: 'get', resource: 'configmaps', namespace: 'kube-system', name: 'other' },
      { verb: 'watch', resource: 'configmaps', namespace: 'default', name: 'other' },
    );
    expect(answers).toEqual([false, false, false, false, false, false, false]);
    await controller.stop();
  }, 90_000);
});
