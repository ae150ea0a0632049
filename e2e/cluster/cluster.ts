import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findHelm } from '@headwater/embedded';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');

export const chart = (name: 'headwater' | 'jetstream-controller'): string => join(ROOT, 'charts', name);

/** What `npm run e2e` has built and loaded, and where the bundled servers' images come from. */
export function imageValues(): string[] {
  const [repository, tag] = imageParts();
  return [
    ...(repository ? ['--set', `image.repository=${repository},image.tag=${tag}`] : []),
    ...(process.env['E2E_VALUES'] ? ['--values', process.env['E2E_VALUES']] : []),
  ];
}

function imageParts(): [string, string] {
  const image = process.env['E2E_IMAGE'] ?? '';
  const colon = image.lastIndexOf(':');
  return [image.slice(0, colon), image.slice(colon + 1)];
}

const execute = (command: string, args: readonly string[], input?: string): Promise<string> => {
  const running = run(command, args, { maxBuffer: 64 * 1024 * 1024 });
  if (input !== undefined) running.child.stdin?.end(input);
  return running.then(({ stdout }) => stdout);
};

export const kubectl = (...args: string[]): Promise<string> =>
  execute(process.env['E2E_KUBECTL'] ?? 'kubectl', args);

/** @param namespace of objects that name none; undefined where all of them do */
export const apply = (namespace: string | undefined, manifest: string, ...flags: string[]): Promise<string> =>
  execute(
    process.env['E2E_KUBECTL'] ?? 'kubectl',
    [...(namespace === undefined ? [] : ['-n', namespace]), 'apply', ...flags, '-f', '-'],
    manifest,
  );

export async function helm(...args: string[]): Promise<string> {
  return execute(await findHelm(join(ROOT, 'tools', 'helm')), args);
}

/** Installs or upgrades a release of the platform with bundled servers and waits until all of it is ready. */
export function installPlatform(release: string, namespace: string, ...more: string[]): Promise<string> {
  return helm(
    ...[
      'upgrade',
      '--install',
      release,
      chart('headwater'),
      '--namespace',
      namespace,
      '--wait',
      '--timeout',
      '5m',
    ],
    ...['--set', 'bundled.enabled=true', '--set', 'controller.handoverSeconds=0'],
    ...imageValues(),
    ...more,
  );
}

/** A namespace that admits nothing but what the restricted profile allows. */
export async function createNamespace(name: string): Promise<void> {
  await kubectl('create', 'namespace', name);
  await kubectl('label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted');
}

export async function deleteNamespace(name: string): Promise<void> {
  await kubectl('delete', 'namespace', name, '--ignore-not-found', '--timeout=180s');
}

/** One value of a Secret. */
export async function secretValue(namespace: string, name: string, key: string): Promise<string> {
  const path = `jsonpath={.data.${key.replaceAll('.', '\\.')}}`;
  return Buffer.from(await kubectl('-n', namespace, 'get', 'secret', name, '-o', path), 'base64').toString();
}

/** Names of the running pods of a component. */
export async function podsOf(namespace: string, component: string): Promise<string[]> {
  const selector = `app.kubernetes.io/component=${component}`;
  const text = await kubectl('-n', namespace, 'get', 'pods', '-l', selector, '-o', 'name');
  return text.split('\n').filter(Boolean);
}
