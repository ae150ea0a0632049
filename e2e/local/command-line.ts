import { ChildProcess, execFile, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TestPlatform } from '@headwater/testing-platform';

const HEADWATER = join(resolve(__dirname, '../..'), 'apps', 'cli', 'bin', 'headwater.js');
const run = promisify(execFile);

/** `npx headwater …` on a platform of a test. */
export class CommandLine {
  private readonly env: NodeJS.ProcessEnv;

  constructor(started: TestPlatform) {
    const { layout, urls } = started.platform;
    this.env = {
      ...process.env,
      NODE_OPTIONS: '',
      USER: 'ada',
      HEADWATER_DATA_DIR: layout.dataDir,
      HEADWATER_NATS_URL: urls.nats,
    };
  }

  /** What it prints; throws when it ends with another code than 0. */
  async run(...args: string[]): Promise<string> {
    return (await run(process.execPath, [HEADWATER, ...args], { env: this.env, maxBuffer: 1e8 })).stdout;
  }

  /** What it says when it ends with a code that is not 0. */
  async refusal(...args: string[]): Promise<string> {
    try {
      await this.run(...args);
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
    throw new Error(`headwater ${args.join(' ')} should have failed`);
  }

  /** Begins it, for a test that interferes. */
  begin(...args: string[]): { child: ChildProcess; ended: Promise<void>; said: () => string } {
    const child = spawn(process.execPath, [HEADWATER, ...args], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    const ended = new Promise<void>((done) => child.once('close', () => done()));
    return { child, ended, said: () => said };
  }
}
