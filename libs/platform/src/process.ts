import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import pino, { Logger } from 'pino';
import { z } from 'zod';
import { ConfigError, opsConfig, readConfig } from './config';
import { startOpsServer } from './ops-server';
import { Readiness } from './readiness';
import { startTracing } from './tracing';

export interface ProcessContext {
  log: Logger;
  readiness: Readiness;
  metrics: Registry;
  /** Something to close on SIGTERM; what was registered last is closed first. */
  onShutdown(name: string, close: () => Promise<void>): void;
}

/**
 * Runs a process from start to end: logs in JSON, health and metrics, configuration faults all at once, and a graceful
 * end on SIGTERM and SIGINT with exit code 0. Anything uncaught is logged and ends the process with 1.
 *
 * @param readAppConfig reads what this app needs beside the common settings; may throw ConfigError
 */
export function runProcess<Config>(
  service: string,
  readAppConfig: () => Config,
  main: (context: ProcessContext, config: Config) => Promise<void>,
): void {
  start(service, readAppConfig, main).catch((error: unknown) => {
    if (error instanceof ConfigError) process.stderr.write(`${service}: ${error.message}\n`);
    else process.stderr.write(`${service}: ${startFault(error)}\n`);
    process.exit(1);
  });
}

/** Both parts are read before either fails, so that every fault is told. */
function readBoth<Common, App>(readCommon: () => Common, readApp: () => App): [Common, App] {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const [common, app] = [attempt(readCommon), attempt(readApp)];
  if (common === undefined || app === undefined) throw new ConfigError(faults);
  return [common, app];
}

function startFault(error: unknown): string {
  const { code, port, message, stack } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `port ${port} is taken by another program; choose another by its variable`;
  if (code === 'EACCES' && port) return `port ${port} may not be opened by this user`;
  return stack ?? message;
}

async function start<Config>(
  service: string,
  readAppConfig: () => Config,
  main: (context: ProcessContext, config: Config) => Promise<void>,
): Promise<void> {
  const [config, appConfig] = readBoth(() => readConfig(z.object(opsConfig)), readAppConfig);
  const log = pino({
    level: config.HEADWATER_LOG_LEVEL,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const stopTracing = startTracing(service);
  const metrics = new Registry();
  metrics.setDefaultLabels({ service });
  collectDefaultMetrics({ register: metrics });
  const readiness = new Readiness();
  const readyGauge = new Gauge({
    name: 'headwater_ready',
    help: '1 while the process can do its work.',
    registers: [metrics],
  });
  readiness.onChange((ready) => {
    readyGauge.set(ready ? 1 : 0);
    if (ready) log.info('ready');
    else log.warn({ waitingFor: readiness.report() }, 'not ready');
  });

  const closers: { name: string; close: () => Promise<void> }[] = [];
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    const overdue = setTimeout(() => {
      log.error({ seconds: config.HEADWATER_SHUTDOWN_SECONDS }, 'did not stop in time');
      process.exit(1);
    }, config.HEADWATER_SHUTDOWN_SECONDS * 1000);
    overdue.unref();
    for (const { name, close } of closers.reverse()) {
      await close().catch((error: unknown) =>
        log.error({ err: error, part: name }, 'could not be closed in order'),
      );
    }
    await stopTracing();
    log.info('stopped');
    log.flush();
    // An explicit 0: a signal's own exit code would look like a failure to Kubernetes.
    process.exit(0);
  };
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
  const die = (error: unknown, kind: string): void => {
    log.fatal({ err: error }, kind);
    log.flush();
    process.exit(1);
  };
  process.on('uncaughtException', (error) => die(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => die(error, 'unhandled rejection'));

  const ops = await startOpsServer(
    { host: config.HEADWATER_OPS_HOST, port: config.HEADWATER_OPS_PORT },
    readiness,
    metrics,
  );
  closers.push({ name: 'health and metrics', close: () => ops.close() });
  await main(
    { log, readiness, metrics, onShutdown: (name, close) => closers.push({ name, close }) },
    appConfig,
  );
}
