import { mkdirSync } from 'node:fs';
import { ManagedProcess, ProcessSpec } from '@headwater/embedded';
import { Layout } from './layout';
import { forgetProcess, noteProcess } from './orphans';

/** First and longest pause before a process that ended by itself is started again, in milliseconds. */
const RESTART_MS = { first: 200, longest: 5_000 };

export interface SupervisorEvents {
  ended(name: string, how: string, restartMs: number): void;
  /** It could not be started or noted; starting is tried again. */
  failed(name: string, error: unknown): void;
}

/** Keeps processes running: whatever ends unasked is started again, with growing pauses while it keeps ending. */
export class Supervisor {
  private readonly processes = new Map<string, ManagedProcess>();
  /** What is meant to run; the rest is ending. */
  private readonly wanted = new Set<string>();
  private readonly restarts = new Map<string, Promise<void>>();
  /** Ends the pause before a restart. */
  private readonly hurries = new Map<string, () => void>();

  constructor(
    private readonly layout: Layout,
    private readonly events: SupervisorEvents,
  ) {}

  async start(spec: ProcessSpec): Promise<ManagedProcess> {
    this.wanted.add(spec.name);
    return this.launch(spec, RESTART_MS.first);
  }

  get(name: string): ManagedProcess | undefined {
    return this.processes.get(name);
  }

  names(): string[] {
    return [...this.processes.keys()];
  }

  /** Ends one process in order and does not start it again. */
  async stop(name: string): Promise<void> {
    this.wanted.delete(name);
    this.hurries.get(name)?.();
    await this.processes.get(name)?.stop();
    await this.restarts.get(name);
    await forgetProcess(this.layout, name);
    this.processes.delete(name);
  }

  /** Ends everything, last started first, so that nobody loses a dependency while ending. */
  async stopAll(): Promise<void> {
    // All at once no longer wanted: what ends because another is ending is not started again.
    this.wanted.clear();
    for (const name of this.names().reverse()) await this.stop(name);
  }

  /** Ends everything at once, without a chance to tidy up; PostgreSQL and nats-server recover at their next start. */
  async killAll(): Promise<void> {
    this.wanted.clear();
    await Promise.all([...this.processes.values()].map((running) => running.kill()));
  }

  private async launch(spec: ProcessSpec, pauseMs: number): Promise<ManagedProcess> {
    // Nothing is awaited before the process is in the table: a stop in between would not see it.
    mkdirSync(this.layout.logs, { recursive: true });
    const startedAt = Date.now();
    const started = ManagedProcess.start(spec, { logFile: this.layout.log(spec.name), ownGroup: true });
    this.processes.set(spec.name, started);
    const restart = started.exited.then(({ code, signal }) => {
      if (!this.wanted.has(spec.name)) return;
      // A process that ran for a while begins again with the short pause.
      const pause = Date.now() - startedAt > 10_000 ? RESTART_MS.first : pauseMs;
      this.events.ended(spec.name, signal ?? `exit code ${code}`, pause);
      return this.relaunch(spec, pause);
    });
    this.restarts.set(spec.name, restart);
    if (started.pid !== undefined) {
      await noteProcess(this.layout, spec.name, started.pid).catch((error: unknown) =>
        this.events.failed(spec.name, error),
      );
    }
    return started;
  }

  private async relaunch(spec: ProcessSpec, pauseMs: number): Promise<void> {
    for (let pause = pauseMs; ; pause = Math.min(pause * 2, RESTART_MS.longest)) {
      await this.pause(spec.name, pause);
      if (!this.wanted.has(spec.name)) return;
      try {
        await this.launch(spec, Math.min(pause * 2, RESTART_MS.longest));
        return;
      } catch (error) {
        this.events.failed(spec.name, error);
      }
    }
  }

  /** Waits, shorter when the process is to be stopped meanwhile. */
  private async pause(name: string, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.hurries.set(name, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.hurries.delete(name);
  }
}
