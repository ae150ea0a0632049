import { buildProgram } from './program';
import { reportFailure } from './report-failure';

buildProgram()
  .parseAsync()
  .catch((error: unknown) => process.exit(reportFailure(error)));
