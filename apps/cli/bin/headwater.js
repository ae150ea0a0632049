#!/usr/bin/env node
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '..', 'dist', 'main.js');
if (!existsSync(main)) {
  process.stderr.write('headwater is not built yet; run `npm start` or `npm run build` first\n');
  process.exit(1);
}
require(main);
