import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './cache';
import { builtTool, buildWithGo, executable, onPath } from './find-tool';

const run = promisify(execFile);

/** The pinned version; `tools/helm/go.mod` says the same. */
export const HELM_VERSION = '3.22.0';

/**
 * A helm binary: `HEADWATER_HELM`, else a Helm 3 on PATH, else the pinned version built with Go into the cache folder.
 *
 * @param moduleDir folder of the pinned Go module, `tools/helm`
 * @param progress is told in one line what takes long, and that it still goes on
 * @throws SetupError
 */
export async function findHelm(
  moduleDir: string,
  progress: (line: string) => void = () => undefined,
): Promise<string> {
  const named = process.env['HEADWATER_HELM'];
  if (named) {
    if (await executable(named)) return resolve(named);
    throw new SetupError(`HEADWATER_HELM names ${named}, which is not an executable file`);
  }
  const found = await onPath('helm');
  if (found && (await isVersion3(found))) return found;
  const built = builtTool('helm', HELM_VERSION);
  if (await executable(built)) return built;
  if (!(await onPath('go'))) {
    throw new SetupError(
      'helm 3 is not on PATH and Go, to build it, is not there either; install one of them or set HEADWATER_HELM',
    );
  }
  // As its own Makefile does; without them it takes itself for a client of Kubernetes 1.20.
  const settings = {
    'internal/version.version': `v${HELM_VERSION}`,
    'pkg/chartutil.k8sVersionMajor': '1',
    'pkg/chartutil.k8sVersionMinor': '34',
    'pkg/lint/rules.k8sVersionMajor': '1',
    'pkg/lint/rules.k8sVersionMinor': '34',
  };
  return buildWithGo({
    name: 'helm',
    version: HELM_VERSION,
    moduleDir,
    package: 'helm.sh/helm/v3/cmd/helm',
    ldflags: Object.entries(settings).map(([name, value]) => `-X helm.sh/helm/v3/${name}=${value}`),
    duration: 'about two minutes',
    progress,
  });
}

const isVersion3 = async (binary: string): Promise<boolean> =>
  run(binary, ['version', '--short']).then(
    ({ stdout }) => stdout.startsWith('v3.'),
    () => false,
  );
