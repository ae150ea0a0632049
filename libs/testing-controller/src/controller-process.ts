import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ManagedProcess } from '@headwater/embedded';
import { type ApiAccess, eventually, kubeConfigOf, reservePort } from '@headwater/testing';

/** From `src` as from `dist`. */
const MAIN = resolve(__dirname, '../../../apps/jetstream-controller/dist/main.js');

export interface ControllerOptions {
  /** As whom it talks to the API server. */
  access: ApiAccess;
  natsUrl: string;
  /** Folder for its kubeconfig and log. */
  folder: string;
  /** Namespace of its Lease. */
  leaseNamespace: string;
  /** Variables beside the usual ones. */
  env?: Readonly<Record<string, string>>;
}

/** A controller as it runs in production: a process of its own. */
export interface ControllerProcess {
  readonly name: string;
  readonly scalerPort: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  readonly running: boolean;
  /** Everything it has logged, a line each. */
  logs(): Promise<string[]>;
  /** Value of a metric, summed over the series whose labels hold these; 0 when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** CPU seconds it has used so far, and resident bytes. */
  usage(): Promise<{ cpuSeconds: number; residentBytes: number }>;
}

let started = 0;

/** Resolves when the controller's caches are filled; it need not lead yet. */
export async function startController(options: ControllerOptions): Promise<ControllerProcess> {
  const name = `controller-${++started}`;
  const [ops, scaler] = await Promise.all([reservePort(), reservePort()]);
  const kubeConfigFile = join(options.folder, `${name}.kubeconfig`);
  const logFile = join(options.folder, `${name}.log`);
  await writeFile(kubeConfigFile, kubeConfigOf(options.access), { mode: 0o600 });
  const process = ManagedProcess.start(
    {
      name,
      command: globalThis.process.execPath,
      args: [MAIN],
      stopSignal: 'SIGTERM',
      env: {
        // What the test runner needs to find sources would keep it from what was built.
        NODE_OPTIONS: '',
        KUBECONFIG: kubeConfigFile,
        HEADWATER_NATS_URL: options.natsUrl,
        HEADWATER_OPS_HOST: '127.0.0.1',
        HEADWATER_OPS_PORT: String(ops.port),
        HEADWATER_SCALER_HOST: '127.0.0.1',
        HEADWATER_SCALER_PORT: String(scaler.port),
        HEADWATER_LEASE_NAMESPACE: options.leaseNamespace,
        HEADWATER_CONTROLLER_IDENTITY: name,
        ...options.env,
      },
    },
    { logFile },
  );
  const address = `http://127.0.0.1:${ops.port}`;
  const end = async (how: () => Promise<void>): Promise<number | null> => {
    await how();
    await Promise.all([ops.release(), scaler.release()]);
    return (await process.exited).code;
  };
  const metrics = async (): Promise<string> => (await fetch(`${address}/metrics`)).text();
  await eventually(async () => {
    if (!process.running) throw new Error(`the controller has ended: ${process.output}`);
    const response = await fetch(`${address}/readyz`);
    if (!response.ok) throw new Error(`${await response.text()}\n${process.output}`);
  });
  return {
    name,
    scalerPort: scaler.port,
    kill: async () => void (await end(() => process.kill())),
    stop: () => end(() => process.stop()),
    signal: (signal) => process.signal(signal),
    get running() {
      return process.running;
    },
    logs: async () => (await readFile(logFile, 'utf8')).split('\n').filter(Boolean),
    metric: async (metric, labels = {}) => sumOf(await metrics(), metric, labels),
    usage: async () => {
      const text = await metrics();
      return {
        cpuSeconds: sumOf(text, 'process_cpu_seconds_total', {}),
        residentBytes: sumOf(text, 'process_resident_memory_bytes', {}),
      };
    },
  };
}

function sumOf(text: string, metric: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
