import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder for what is built or unpacked once per machine. `HEADWATER_CACHE_DIR` moves it. */
export function cacheDir(): string {
  return (
    process.env['HEADWATER_CACHE_DIR'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'headwater')
  );
}

/** A missing or unusable tool or folder; the message is one sentence that says what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
