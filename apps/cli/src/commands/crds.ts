import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubernetesClient, type KubernetesObject, type ResourceType } from '@headwater/kubernetes';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { CommandFailed } from '../command-failed';
import { ROOT } from '../root';
import { print } from '../table';

const CRD: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** Which release a CRD is of; a newer one is never replaced by an older one. */
export const VERSION_ANNOTATION = 'headwater.dev/version';

const definition = z.looseObject({
  apiVersion: z.literal('apiextensions.k8s.io/v1'),
  kind: z.literal('CustomResourceDefinition'),
  metadata: z.looseObject({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
});

/**
 * Applies the CRDs of this image to the cluster, because `helm upgrade` does not.
 *
 * @throws CommandFailed when the cluster's are of a newer release; then none has been changed
 */
export async function applyCrds(options: { folder: string }): Promise<void> {
  const ours = await readDefinitions(options.folder);
  const client = await KubernetesClient.fromEnvironment();
  try {
    for (const { metadata } of ours) {
      const present = await client.get(CRD, { name: metadata.name });
      const [theirs, own] = [versionOf(present), metadata.annotations?.[VERSION_ANNOTATION]];
      if (theirs !== undefined && own !== undefined && isNewer(theirs, own)) {
        throw new CommandFailed(
          `the cluster's ${metadata.name} is of release ${theirs}, this is ${own}; an older CRD could drop fields that are in use. Upgrade this release instead`,
        );
      }
    }
    for (const object of ours) {
      await client.apply(CRD, object, { fieldManager: 'headwater-crds', force: true });
      print(`CustomResourceDefinition ${object.metadata.name} applied`);
    }
  } finally {
    await client.close();
  }
}

export const DEFAULT_FOLDER = join(ROOT, 'charts', 'jetstream-controller', 'crds');

async function readDefinitions(folder: string): Promise<z.infer<typeof definition>[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const found = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => definition.parse(document.toJS())),
  );
  if (found.length === 0) throw new CommandFailed(`there are no CRDs in ${folder}`);
  return found;
}

const versionOf = (object: KubernetesObject | undefined): string | undefined =>
  object?.metadata.annotations?.[VERSION_ANNOTATION];

/** Whether the first of two `major.minor.patch` is the newer one. */
export function isNewer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) => version.split(/[.-]/).slice(0, 3).map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
