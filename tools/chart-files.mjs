// What the charts take from declarations elsewhere: the NATS users and the platform's streams and consumers.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const FILES = join(root, 'charts', 'headwater', 'files');
const require = createRequire(import.meta.url);

export function writeChartFiles() {
  writeNatsUsers();
  writeNatsValues();
  mkdirSync(join(FILES, 'jetstream'), { recursive: true });
  for (const name of ['streams.yaml', 'consumers.yaml']) {
    const text = readFileSync(join(root, 'k8s', 'jetstream', name), 'utf8');
    writeFileSync(
      join(FILES, 'jetstream', name),
      `# Made from k8s/jetstream/${name} by npm run generate.\n${text}`,
    );
  }
}

/** Users with their permissions; passwords come as variables from a file that is no part of any chart. */
function writeNatsUsers() {
  const { NATS_USERS } = require('@headwater/contracts');
  const list = (subjects) => subjects.map((subject) => `\n        ${JSON.stringify(subject)}`).join('');
  const users = Object.entries(NATS_USERS).map(
    ([name, { publish, subscribe, allowResponses }]) =>
      `  { user: ${name}, password: $PASSWORD_${name}, permissions: {
      publish: [${list(publish)}
      ]
      subscribe: [${list(subscribe)}
      ]${allowResponses ? '\n      allow_responses: true' : ''}
  } }`,
  );
  writeFileSync(
    join(FILES, 'nats-users.conf'),
    ['# Made from libs/contracts/src/nats-users.ts by npm run generate.', 'users: [', ...users, ']', ''].join(
      '\n',
    ),
  );
}

/** Values for the official NATS chart, whose passwords come from the Secret that the platform's processes read too. */
function writeNatsValues() {
  const { NATS_USERS } = require('@headwater/contracts');
  const { stringify } = require('yaml');
  const users = Object.entries(NATS_USERS).map(([user, { publish, subscribe, allowResponses }]) => ({
    user,
    password: `<< $PASSWORD_${user} >>`,
    permissions: { publish, subscribe, ...(allowResponses ? { allow_responses: true } : {}) },
  }));
  const env = Object.fromEntries(
    Object.keys(NATS_USERS).map((user) => [
      `PASSWORD_${user}`,
      { valueFrom: { secretKeyRef: { name: 'nats-users', key: user } } },
    ]),
  );
  const values = {
    config: {
      cluster: { enabled: true, replicas: 3 },
      jetstream: {
        enabled: true,
        fileStore: { enabled: true, pvc: { enabled: true, size: '20Gi' } },
        merge: { sync_interval: '100ms' },
      },
      merge: { max_payload: '<< 1MB >>', authorization: { users } },
    },
    container: {
      env,
      merge: { resources: { requests: { cpu: '500m', memory: '512Mi' }, limits: { memory: '2Gi' } } },
    },
    podTemplate: {
      topologySpreadConstraints: {
        'kubernetes.io/hostname': { maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
      },
    },
    promExporter: { enabled: true },
    natsBox: { enabled: false },
  };
  mkdirSync(join(root, 'k8s', 'nats'), { recursive: true });
  writeFileSync(
    join(root, 'k8s', 'nats', 'values.yaml'),
    [
      '# Made from libs/contracts/src/nats-users.ts by npm run generate: values for the official NATS chart',
      '# (https://nats-io.github.io/k8s/helm/charts/), for three servers. Not run by us.',
      stringify(values, { aliasDuplicateObjects: false }),
    ].join('\n'),
  );
}
