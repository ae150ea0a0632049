// What the charts take from declarations elsewhere: the NATS users and the platform's streams and consumers.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const FILES = join(root, 'charts', 'headwater', 'files');
const require = createRequire(import.meta.url);

export function writeChartFiles() {
  writeNatsUsers();
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
