const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const options = JSON.parse(readFileSync(join(__dirname, '..', '.swcrc'), 'utf8'));

/** The build's compiler options, so that tests run what is shipped. */
module.exports = { ...options, sourceMaps: 'inline' };
