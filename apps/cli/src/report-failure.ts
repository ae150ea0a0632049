import { SetupError } from '@headwater/embedded';
import { ManifestError } from '@headwater/jetstream-resources';
import { CommandFailed } from './command-failed';

/** One clear sentence for what a person can mend; the whole stack for a mistake of ours. Returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof CommandFailed || error instanceof SetupError || error instanceof ManifestError) {
    process.stderr.write(`headwater: ${error.message}\n`);
    return 1;
  }
  const { code, message, stack, path } = error as NodeJS.ErrnoException;
  // PostgreSQL's own code for it, and whoever only passes the system's words on.
  if (code === 'ENOSPC' || code === '53100' || /no space left/i.test(message))
    process.stderr.write(
      `headwater: the disk is full${path ? ` (${path})` : ''}; free some space and start again\n`,
    );
  else if (code === 'EACCES')
    process.stderr.write(`headwater: ${path ?? 'a file'} may not be read or written by this user\n`);
  else process.stderr.write(`headwater: ${stack ?? message}\n`);
  return 1;
}
