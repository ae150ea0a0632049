import { parseArgs } from 'node:util';
import { z } from 'zod';
import { UnknownLog } from '@headwater/eventstore';
import { ConfigError, connectNats, databaseUrl, natsConfig, readConfig } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { repairLog, RepairReport } from './relay/repair-log';

/** `node repair.js LOG [--rebuild-stream]`, with the event store's own SQL user and a NATS user that may delete streams. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'rebuild-stream': { type: 'boolean', default: false } },
  });
  const [log] = positionals;
  if (log === undefined) throw new ConfigError(['name the log, for example ORDERS']);
  const config = readConfig(z.object({ HEADWATER_DATABASE_URL: databaseUrl, ...natsConfig }));
  const pool = createPool({ url: config.HEADWATER_DATABASE_URL, applicationName: 'log-repair', max: 2 });
  const nats = await connectNats(config, 'log-repair');
  try {
    const progress = (line: string): void => void process.stdout.write(`${line}\n`);
    const report = await repairLog({ pool, nats, log, rebuildStream: values['rebuild-stream'], progress });
    process.stdout.write(`${sentence(log, report)}\n`);
    return report.outcome === 'not repaired' ? 1 : 0;
  } finally {
    await nats.close();
    await pool.end();
  }
}

function sentence(log: string, report: RepairReport): string {
  switch (report.outcome) {
    case 'agree':
      return `${log} and its stream agree up to position ${report.position}; nothing was done`;
    case 'imported':
      return `${log} has its positions ${report.from} to ${report.to} again; appends are taken`;
    case 'stream deleted':
      return `the stream ${log} is deleted (${report.reason}); it is filled again once it is declared`;
    case 'not repaired':
      return `${log} is not repaired: ${report.reason}; with --rebuild-stream the stream is deleted and filled again, and its consumers start from its beginning`;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const { message, stack } = error as Error;
    process.stderr.write(
      `log repair: ${error instanceof ConfigError || error instanceof UnknownLog ? message : stack}\n`,
    );
    process.exit(1);
  },
);
