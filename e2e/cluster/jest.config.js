/** Tests on a real cluster, apart from `npm test`: `npm run e2e` prepares what they need. */
const [, integration] = require('../../jest.config.js').projects;

module.exports = {
  ...integration,
  displayName: 'cluster',
  testMatch: ['<rootDir>/e2e/cluster/**/*.cluster.spec.ts'],
  globalSetup: undefined,
  globalTeardown: undefined,
  testTimeout: 300_000,
};
