import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Who may import whom; `docs/adr/0001-borders.md` says why. */
const borders = [
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: ['type:contract'] },
  { sourceTag: 'type:domain', onlyDependOnLibsWithTags: ['type:contract'] },
  { sourceTag: 'type:adapter', onlyDependOnLibsWithTags: ['type:contract', 'type:adapter', 'type:testing'] },
  {
    sourceTag: 'type:platform',
    onlyDependOnLibsWithTags: ['type:contract', 'type:adapter', 'type:platform', 'type:testing'],
  },
  {
    sourceTag: 'type:testing',
    onlyDependOnLibsWithTags: ['type:contract', 'type:domain', 'type:adapter', 'type:testing'],
  },
  ...['type:app', 'type:worker'].map((sourceTag) => ({
    sourceTag,
    onlyDependOnLibsWithTags: [
      'type:contract',
      'type:domain',
      'type:adapter',
      'type:platform',
      'type:testing',
    ],
  })),
  { sourceTag: 'type:e2e', onlyDependOnLibsWithTags: ['*'] },
  { sourceTag: 'type:bench', onlyDependOnLibsWithTags: ['*'] },
];

const nestjs = {
  group: ['@nestjs/*', 'nestjs-*'],
  message: 'NestJS lives in apps, nest-jetstream and platform.',
};
const io = {
  group: ['node:*', 'pg', '@nats-io/*', '@grpc/*', 'undici'],
  message: 'Contracts and domain do no I/O.',
};
const sql = {
  group: ['pg', '@headwater/sql', '@headwater/eventstore', '@headwater/order-read-model'],
  message: 'Workers have no SQL.',
};
const testing = {
  group: ['@headwater/testing', '@headwater/testing-controller', '@headwater/testing-platform'],
  message: 'Only specs use the testing library.',
};
const restrict = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/generated/**',
      '.nx/**',
      '.headwater/**',
      'coverage/**',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strict, prettier],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { depConstraints: borders, allow: [], enforceBuildableLibDependency: false },
      ],
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: 'error',
      ...restrict(testing),
    },
  },
  { files: ['libs/contracts/**/*.ts', 'libs/order-domain/**/*.ts'], rules: restrict(io, nestjs, testing) },
  {
    files: [
      'libs/{sql,eventstore,eventstore-api,eventstore-client,jetstream-resources,kubernetes,order-read-model,embedded,local-platform}/**/*.ts',
    ],
    rules: restrict(nestjs, testing),
  },
  { files: ['apps/workers/{payment,review}/**/*.ts'], rules: restrict(sql, testing) },
  {
    files: [
      '**/*.spec.ts',
      'libs/*/test/**/*.ts',
      'libs/{testing,testing-controller,testing-platform}/**/*.ts',
      'e2e/**/*.ts',
    ],
    rules: { 'no-restricted-imports': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  { files: ['bench/**/*.ts'], rules: { 'no-restricted-imports': 'off' } },
);
