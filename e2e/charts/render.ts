import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findHelm } from '@headwater/embedded';
import { parseAllDocuments } from 'yaml';

export const ROOT = resolve(__dirname, '../..');
export const CHARTS = ['headwater', 'jetstream-controller'] as const;
export type Chart = (typeof CHARTS)[number];
export const chartFolder = (chart: Chart): string => join(ROOT, 'charts', chart);

/** An object as a chart renders it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

const run = promisify(execFile);
let binary: Promise<string> | undefined;

/** Runs helm; a refusal is an Error with what helm said. */
export async function helm(...args: string[]): Promise<string> {
  binary ??= findHelm(join(ROOT, 'tools', 'helm'), (line) => process.stderr.write(`${line}\n`));
  const { stdout } = await run(await binary, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Milliseconds that a first run on a machine may need to build helm. */
export const BUILD_MS = 900_000;

export interface RenderOptions {
  /** `key=value`, as on the command line. */
  set?: readonly string[];
  values?: string;
  release?: string;
  namespace?: string;
  /** As the cluster's API server would say; the newest supported one when absent. */
  kubeVersion?: string;
}

export const NEWEST_KUBERNETES = '1.34';

export async function renderText(chart: Chart, options: RenderOptions = {}): Promise<string> {
  return helm(
    'template',
    options.release ?? 'hw',
    chartFolder(chart),
    '--namespace',
    options.namespace ?? 'orders',
    '--kube-version',
    options.kubeVersion ?? NEWEST_KUBERNETES,
    ...(options.values === undefined ? [] : ['--values', options.values]),
    ...(options.set ?? []).flatMap((setting) => ['--set', setting]),
  );
}

export const parseManifests = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0] ?? new Error('no YAML');
    const manifest = document.toJS() as Manifest | null;
    return manifest ? [manifest] : [];
  });

export const render = async (chart: Chart, options?: RenderOptions): Promise<Manifest[]> =>
  parseManifests(await renderText(chart, options));

/** The one object of that kind and name. */
export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name);
  const [only] = found;
  if (!only || found.length > 1) throw new Error(`there are ${found.length} ${kind} ${name}, not one`);
  return only;
}
