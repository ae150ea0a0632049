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

  constructor(readonly dataDir: string) {
    this.postgres = join(dataDir, 'postgres');
    this.nats = join(dataDir, 'nats');
    this.natsConfig = join(this.nats, 'nats.conf');
    this.natsStore = join(this.nats, 'store');
    this.secrets = join(dataDir, 'secrets');
    this.logs = join(dataDir, 'logs');
    this.run = join(dataDir, 'run');
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
