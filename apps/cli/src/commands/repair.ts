import { CommandFailed } from '../command-failed';

export async function repair(): Promise<void> {
  throw new CommandFailed('TODO');
}
