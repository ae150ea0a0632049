import { ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { ProcessSpec } from './process-spec';

export interface StartOptions {
  /** Where its output goes; without it the last lines are kept in memory. */
  logFile?: string;
  /** In a process group of its own, so that Ctrl-C in a terminal reaches its supervisor alone. */
  ownGroup?: boolean;
}

const TAIL_LINES = 20;
const LOG_FILE_BYTES = 10 * 1024 * 1024;

/** A started program with the tail of its output, for error messages. */
export class ManagedProcess {
  private tail: string[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    readonly spec: ProcessSpec,
    private readonly child: ChildProcess,
    private readonly logFile: string | undefined,
  ) {
    const keep = (chunk: Buffer): void => {
      this.tail.push(...chunk.toString().split('\n').filter(Boolean));
      this.tail.splice(0, this.tail.length - TAIL_LINES);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => {
        this.tail.push(error.message);
        resolve({ code: 127, signal: null });
      });
    });
  }

  static start(spec: ProcessSpec, options: StartOptions = {}): ManagedProcess {
    const log = options.logFile === undefined ? undefined : openLog(options.logFile);
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: log === undefined ? ['ignore', 'pipe', 'pipe'] : ['ignore', log, log],
      detached: options.ownGroup ?? false,
      ...(spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid }),
    });
    if (log !== undefined) closeSync(log);
    return new ManagedProcess(spec, child, options.logFile);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** The last lines it printed. */
  get output(): string {
    if (this.logFile === undefined) return this.tail.join('\n');
    const lines = readFileSync(this.logFile, 'utf8').split('\n').filter(Boolean);
    return [...lines.slice(-TAIL_LINES), ...this.tail].join('\n');
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.child.kill(signal);
  }

  /** Ends it in order; after `graceMs` by SIGKILL. */
  async stop(graceMs = 15_000): Promise<void> {
    this.signal(this.spec.stopSignal);
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends it without a chance to tidy up. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }
}

/** Opened for appending; what has grown large is put aside, once. */
function openLog(file: string): number {
  try {
    if (statSync(file).size > LOG_FILE_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // There is none yet.
  }
  return openSync(file, 'a', 0o600);
}
