import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Layout } from './layout';

/**
 * Passwords that are made once and live in files that only their owner may read. Processes get the files' names, so that
 * no password stands in an environment or a process list.
 */
export class Secrets {
  private constructor(private readonly layout: Layout) {}

  static async open(layout: Layout): Promise<Secrets> {
    await mkdir(layout.secrets, { recursive: true, mode: 0o700 });
    return new Secrets(layout);
  }

  /** The password of this name, made now if there is none. */
  async password(name: string): Promise<string> {
    const file = this.layout.secret(`${name}.password`);
    const known = await readFile(file, 'utf8').catch(() => undefined);
    if (known) return known;
    const password = randomBytes(24).toString('base64url');
    await writeFile(file, password, { mode: 0o600 });
    return password;
  }

  passwordFile(name: string): string {
    return this.layout.secret(`${name}.password`);
  }

  file(name: string): string {
    return this.layout.secret(name);
  }

  /** Writes a text that holds a password, such as a connection address, and returns the file's name. */
  async write(name: string, text: string): Promise<string> {
    const file = this.file(name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }
}
