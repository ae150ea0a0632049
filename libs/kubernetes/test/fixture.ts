import { KubernetesClient, KubernetesObject, ResourceType, tokenAccess } from '../src';
import { ApiAccess, TestControlPlane } from '@headwater/testing';

/** A kind of the tests' own, with a status. */
export const WIDGET: ResourceType = {
  group: 'test.headwater.dev',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

export interface Widget extends KubernetesObject {
  spec?: { size?: number; note?: string };
  status?: { size?: number; conditions?: unknown[] };
}

export const WIDGET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.test.headwater.dev' },
  spec: {
    group: 'test.headwater.dev',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { size: { type: 'integer', minimum: 0 }, note: { type: 'string' } },
              },
              status: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type'],
                      properties: Object.fromEntries(
                        ['type', 'status', 'reason', 'message', 'lastTransitionTime'].map((field) => [
                          field,
                          { type: 'string' },
                        ]),
                      ),
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

export const clientOf = (
  access: ApiAccess,
  options: { port?: number } & Omit<ConstructorParameters<typeof KubernetesClient>[0], 'access'> = {},
): KubernetesClient => {
  const { port, ...rest } = options;
  const server = port === undefined ? access.server : `https://127.0.0.1:${port}`;
  return new KubernetesClient({ ...rest, access: tokenAccess({ ...access, server }) });
};

export const widget = (namespace: string, name: string, spec: Widget['spec'] = {}): Widget => ({
  apiVersion: 'test.headwater.dev/v1',
  kind: 'Widget',
  metadata: { namespace, name },
  spec,
});

/** Lets `namespace`'s service account do things, through a Role. */
export async function grant(
  control: TestControlPlane,
  namespace: string,
  account: string,
  rules: readonly object[],
): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: account };
  await control.request({ method: 'POST', path: `${rbac}/roles`, body: { metadata, rules } });
  await control.request({
    method: 'POST',
    path: `${rbac}/rolebindings`,
    body: {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    },
  });
}
