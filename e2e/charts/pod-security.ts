import type { Manifest } from './render';

interface Container {
  name: string;
  securityContext?: {
    allowPrivilegeEscalation?: boolean;
    readOnlyRootFilesystem?: boolean;
    runAsNonRoot?: boolean;
    privileged?: boolean;
    capabilities?: { drop?: string[]; add?: string[] };
  };
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: unknown } }[];
  command?: string[];
  ports?: { name?: string; containerPort: number }[];
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  securityContext?: { runAsNonRoot?: boolean; runAsUser?: number; seccompProfile?: { type?: string } };
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  volumes?: Record<string, unknown>[];
  terminationGracePeriodSeconds?: number;
}

/** The pod that an object makes, if it makes one. */
export function podOf(manifest: Manifest): PodSpec | undefined {
  const spec = manifest['spec'] as { template?: { spec: PodSpec } } | undefined;
  if (manifest.kind === 'Pod') return manifest['spec'] as PodSpec;
  return spec?.template?.spec;
}

export const containersOf = ({ containers, initContainers = [] }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
];

/** Volumes that the restricted profile allows. */
const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/**
 * What the profile `restricted` refuses, and two rules of our own: no root file system that can be written to, and bounds of
 * memory. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function securityFaults(pod: PodSpec): string[] {
  const faults: string[] = [];
  if (pod.hostNetwork || pod.hostPID || pod.hostIPC) faults.push('uses namespaces of the host');
  if (!pod.securityContext?.runAsNonRoot || pod.securityContext.runAsUser === 0)
    faults.push('may run as root');
  if (pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault') faults.push('has no seccomp profile');
  for (const volume of pod.volumes ?? [])
    for (const key of Object.keys(volume))
      if (key !== 'name' && !VOLUMES.has(key)) faults.push(`has a volume of kind ${key}`);
  for (const { name, securityContext: own, resources } of containersOf(pod)) {
    if (own?.allowPrivilegeEscalation !== false) faults.push(`${name} may gain privileges`);
    if (own?.privileged) faults.push(`${name} is privileged`);
    if (!own?.capabilities?.drop?.includes('ALL') || own.capabilities.add)
      faults.push(`${name} has capabilities`);
    if (own?.readOnlyRootFilesystem !== true) faults.push(`${name} may write to its root`);
    if (!resources?.limits?.['memory'] || !resources.requests?.['cpu']) faults.push(`${name} has no bounds`);
  }
  return faults;
}
