const CONSTRUCTS: readonly [name: string, pattern: RegExp][] = [
  ['advisory lock', /\bpg_(try_)?advisory_/i],
  ['SKIP LOCKED', /\bskip\s+locked\b/i],
  ['LISTEN or NOTIFY', /^\s*(listen|notify|unlisten)\b|\bpg_notify\b/i],
  [
    'SERIAL or sequence',
    /\b(small|big)?serial[248]?\b|\bnextval\b|\bsequence\b|\bgenerated\s+(always|by\s+default)\s+as\s+identity/i,
  ],
  ['jsonb[]', /\bjsonb?\s*\[\]/i],
  ['xid8 or snapshot functions', /\bxid8\b|\bpg_(current_)?snapshot|\bpg_current_xact|\btxid_/i],
  ['trigger', /\b(create|drop)\s+(or\s+replace\s+)?(constraint\s+)?trigger\b/i],
  ['extension', /\bcreate\s+extension\b/i],
  ['stored procedure', /\bcreate\s+(or\s+replace\s+)?(function|procedure)\b|^\s*do\s+\$/i],
  ['LOCK TABLE', /^\s*lock\s+table\b/i],
];

const DDL = /^\s*(create|alter|drop|truncate)\b/i;
const WRITE = /\b(?:insert\s+into|update|delete\s+from|merge\s+into)\s+([a-z_][a-z0-9_.]*)/gi;
const TRANSACTION = /^\s*(begin|start\s+transaction|commit|end)\b/i;

/**
 * What a text uses that CockroachDB lacks or that does harm there; undefined when it is nothing.
 *
 * @param inTransaction whether a transaction is open when it is sent
 */
export function forbiddenConstruct(sql: string, inTransaction = false): string | undefined {
  const plain = sql.replace(/--[^\n]*/g, ' ').replace(/'(?:[^']|'')*'/g, "''");
  const named = CONSTRUCTS.find(([, pattern]) => pattern.test(plain));
  if (named) return named[0];
  const statements = plain.split(';').filter((statement) => statement.trim() !== '');
  const definitions = statements.filter((statement) => DDL.test(statement));
  if (
    definitions.length > 1 ||
    (definitions.length === 1 && (inTransaction || statements.some((s) => TRANSACTION.test(s))))
  )
    return 'DDL in a transaction with other statements';
  return statements.some(writesOneTableTwice) ? 'two writes to one table in one statement' : undefined;
}

function writesOneTableTwice(statement: string): boolean {
  // ON CONFLICT DO UPDATE SET and FOR UPDATE write nothing of their own.
  const own = statement.replace(/\bdo\s+update\s+set\b|\bfor\s+(no\s+key\s+)?update\b/gi, ' ');
  const tables = [...own.matchAll(WRITE)].map(([, table]) => table?.toLowerCase());
  return new Set(tables).size < tables.length;
}
