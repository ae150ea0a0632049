/** Two projects, by cost: `unit` needs nothing, `integration` starts real PostgreSQL and nats-server. */
const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  // Tests run against the sources of every workspace package; no build is needed first.
  testEnvironmentOptions: { customExportConditions: ['headwater:source', 'node', 'node-addons'] },
  transform: { '^.+\\.[jt]s$': ['@swc/jest', require('./tools/swc-jest.js')] },
  // These come as ES modules only, which jest can not load as they are.
  transformIgnorePatterns: [
    '/node_modules/(?!(@kubernetes/client-node|openid-client|oauth4webapi|jose|jsonpath-plus)/)',
  ],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.headwater/', '<rootDir>/.nx/'],
};

module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,bench,e2e/model}/**/*.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.int\\.spec\\.ts$'],
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/{apps,libs,e2e}/**/*.int.spec.ts'],
      globalSetup: '<rootDir>/libs/testing/src/global-setup.ts',
      globalTeardown: '<rootDir>/libs/testing/src/global-teardown.ts',
    },
  ],
  testTimeout: 60000,
};
