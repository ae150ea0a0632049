import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { connectionManifest, consumerManifest, Manifest, streamManifest } from './manifest';

/** Everything that is wrong with the manifests read, one line per fault: file, kind, name, field. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  constructor(readonly faults: readonly string[]) {
    super(`${faults.length === 1 ? 'a manifest is' : 'manifests are'} not right:\n${faults.join('\n')}`);
  }
}

/**
 * Reads YAML files, several documents each, and the `*.yaml` and `*.yml` of folders, in the order of their names.
 *
 * @throws ManifestError naming every fault
 */
export async function readManifests(paths: readonly string[]): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  const faults: string[] = [];
  const seen = new Map<string, string>();
  for (const file of (await Promise.all(paths.map(filesOf))).flat()) {
    for (const read of parseManifests(await readFile(file, 'utf8'), file)) {
      if (typeof read === 'string') {
        faults.push(read);
        continue;
      }
      const key = identityOf(read);
      const first = seen.get(key);
      if (first === undefined) manifests.push(read);
      else faults.push(`${file}: ${key} is declared in ${first} already`);
      seen.set(key, first ?? file);
    }
  }
  if (faults.length > 0) throw new ManifestError(faults);
  return manifests;
}

const anyManifest = z.discriminatedUnion('kind', [streamManifest, consumerManifest, connectionManifest]);

/** Streams and consumers of one text; a string is a fault. Connections are checked and left out. */
export function parseManifests(text: string, file: string): (Manifest | string)[] {
  return parseAllDocuments(text).flatMap((document): (Manifest | string)[] => {
    if ('errors' in document && document.errors.length > 0)
      return document.errors.map((error) => `${file}: ${error.message.split('\n')[0] ?? ''}`);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [];
    const result = anyManifest.safeParse(value);
    // Where the server is, is said otherwise outside of Kubernetes.
    if (result.success) return result.data.kind === 'Connection' ? [] : [result.data];
    return result.error.issues.map(
      (issue) =>
        `${file}: ${nameOf(value)}: ${issue.path.map(String).join('.') || 'document'}: ${issue.message}`,
    );
  });
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new ManifestError([`${path}: ${cause instanceof Error ? cause.message : String(cause)}`]);
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort();
  return names.map((name) => join(path, name));
}

/** Two manifests of the same identity would fight for one object. */
function identityOf(manifest: Manifest): string {
  switch (manifest.kind) {
    case 'Stream':
      return `Stream ${manifest.spec.name}`;
    case 'Consumer':
      return `Consumer ${manifest.spec.durableName} of ${manifest.spec.streamName}`;
  }
}

/** Kind and name of what may be anything. */
function nameOf(value: unknown): string {
  const member = (of: unknown, key: string): unknown =>
    typeof of === 'object' && of !== null
      ? Object.entries(of).find(([name]) => name === key)?.[1]
      : undefined;
  const kind = member(value, 'kind');
  const name = member(member(value, 'metadata'), 'name');
  return `${typeof kind === 'string' ? kind : 'object without kind'} ${typeof name === 'string' ? name : 'without name'}`;
}
