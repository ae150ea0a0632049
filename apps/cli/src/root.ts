import { resolve } from 'node:path';

/** Root of the repository, or of an image's copy of it. */
export const ROOT = resolve(__dirname, '../../..');
