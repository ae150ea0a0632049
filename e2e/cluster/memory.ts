import { kubectl } from './cluster';

interface Summary {
  pods: {
    podRef: { name: string; namespace: string };
    containers?: { name: string; memory?: { workingSetBytes?: number } }[];
  }[];
}

/** Bytes by `container of pod`, as the kubelets measure them: what a container's memory limit is held against. */
export async function memoryOf(namespace: string): Promise<Map<string, number>> {
  const nodes = (await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
  const used = new Map<string, number>();
  for (const node of nodes) {
    const { pods } = JSON.parse(
      await kubectl('get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`),
    ) as Summary;
    for (const { podRef, containers = [] } of pods)
      if (podRef.namespace === namespace)
        for (const { name, memory } of containers)
          used.set(`${name} of ${podRef.name}`, memory?.workingSetBytes ?? 0);
  }
  return used;
}

interface Pods {
  items: {
    metadata: { name: string };
    spec: { containers: { name: string; resources?: { limits?: { memory?: string } } }[] };
  }[];
}

const UNITS: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** Limits in bytes, under the same names; a container without one is left out. */
export async function memoryLimits(namespace: string): Promise<Map<string, number>> {
  const { items } = JSON.parse(await kubectl('-n', namespace, 'get', 'pods', '-o', 'json')) as Pods;
  const limits = new Map<string, number>();
  for (const { metadata, spec } of items)
    for (const { name, resources } of spec.containers) {
      const [, number, unit = ''] = /^(\d+)([KMG]i)$/.exec(resources?.limits?.memory ?? '') ?? [];
      if (number !== undefined)
        limits.set(`${name} of ${metadata.name}`, Number(number) * (UNITS[unit] ?? 1));
    }
  return limits;
}

/** Of two measurements the larger, for each container. */
export function largest(first: Map<string, number>, second: Map<string, number>): Map<string, number> {
  const both = new Map(first);
  for (const [name, bytes] of second) both.set(name, Math.max(bytes, both.get(name) ?? 0));
  return both;
}

/** `order 91 MB, …`, largest first. */
export const told = (used: Map<string, number>): string =>
  [...used]
    .sort(([, one], [, other]) => other - one)
    .map(([name, bytes]) => `${name.split(' ')[0]} ${(bytes / 2 ** 20).toFixed(0)}`)
    .join(', ');
