import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Ports of the local platform; an offset shifts all of them, so that two can run side by side. */
export const DEFAULT_PORTS = {
  http: 3000,
  'payment-simulator': 3100,
  nats: 4222,
  postgres: 5433,
  grpc: 50051,
  'ops order': 9090,
  'ops eventstore': 9091,
  'ops payment': 9092,
  'ops review': 9093,
  'ops projection': 9094,
  'ops coordinator': 9095,
  'ops payment-simulator': 9096,
} as const;

export type PortName = keyof typeof DEFAULT_PORTS;
export type Ports = Readonly<Record<PortName, number>>;

export function portsWithOffset(offset: number): Ports {
  const ports = Object.entries(DEFAULT_PORTS).map(([name, port]) => [name, port + offset]);
  return Object.fromEntries(ports) as Ports;
}

/** Where things lie below the data folder; all of it may be deleted to begin afresh. */
export class Layout {
  readonly postgres: string;
  readonly nats: string;
  readonly natsConfig: string;
  readonly natsStore: string;
  readonly secrets: string;
  readonly logs: string;
  readonly run: string;
  /** Which ports the platform was started on last. */
  readonly portsFile: string;

  constructor(readonly dataDir: string) {
    this.postgres = join(dataDir, 'postgres');
    this.nats = join(dataDir, 'nats');
    this.natsConfig = join(this.nats, 'nats.conf');
    this.natsStore = join(this.nats, 'store');
    this.secrets = join(dataDir, 'secrets');
    this.logs = join(dataDir, 'logs');
    this.run = join(dataDir, 'run');
    this.portsFile = join(dataDir, 'ports.json');
  }

  secret(name: string): string {
    return join(this.secrets, name);
  }

  log(process: string): string {
    return join(this.logs, `${process}.log`);
  }

  runFile(process: string): string {
    return join(this.run, `${process}.json`);
  }
}

/** The ports that the platform with this data folder was started on last; undefined when it never was. */
export function readPorts({ portsFile }: Layout): Ports | undefined {
  try {
    const noted = JSON.parse(readFileSync(portsFile, 'utf8')) as Partial<Record<string, unknown>>;
    const ports = Object.entries(DEFAULT_PORTS).map(([name, standard]) => [
      name,
      typeof noted[name] === 'number' ? noted[name] : standard,
    ]);
    return Object.fromEntries(ports) as Ports;
  } catch {
    return undefined;
  }
}
