import { buildProgram } from './program';
import { reportFailure } from './report-failure';

// A terminal that is gone, or a pager that was left, is no reason to fail, nor to leave processes behind.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

buildProgram()
  .parseAsync()
  .catch((error: unknown) => process.exit(reportFailure(error)));
