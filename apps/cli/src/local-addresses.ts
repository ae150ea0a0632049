import { Layout, readPorts } from '@headwater/local-platform';
import type { Command } from 'commander';
import { ROOT } from './root';
import { join } from 'node:path';

/** Options that nobody has given point to where the local platform was started last, for example with other ports. */
export function withLocalAddresses(command: Command): void {
  const { dataDir } = command.opts<{ dataDir?: string }>();
  const folder = dataDir ?? process.env['HEADWATER_DATA_DIR'] ?? join(ROOT, '.headwater');
  const ports = readPorts(new Layout(folder));
  if (!ports) return;
  const local = {
    api: `http://127.0.0.1:${ports.http}`,
    eventstore: `127.0.0.1:${ports.grpc}`,
    nats: `nats://127.0.0.1:${ports.nats}`,
  };
  for (const [name, value] of Object.entries(local)) {
    if (command.getOptionValueSource(name) === 'default')
      command.setOptionValueWithSource(name, value, 'config');
  }
}
