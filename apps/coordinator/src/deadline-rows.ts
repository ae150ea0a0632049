import { Step, STEPS } from '@headwater/order-domain';
import { Queryable } from '@headwater/sql';

/** When an order is to be looked at, and what it waits for until then. */
export interface Deadline {
  orderId: string;
  step: Step;
  /** Version of the event that began the wait. */
  version: number;
  /** Milliseconds since 1970. */
  dueAt: number;
}

const SAVE = {
  name: 'save-deadlines',
  text: `
    INSERT INTO deadlines (order_id, step, version, due_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::timestamptz[])
    ON CONFLICT (order_id, step) DO UPDATE SET version = excluded.version, due_at = excluded.due_at
     WHERE deadlines.version < excluded.version`,
};

/** Writes deadlines, at most one an order and step; one derived from an older version replaces nothing. */
export async function saveDeadlines(client: Queryable, deadlines: readonly Deadline[]): Promise<void> {
  if (deadlines.length === 0) return;
  await client.query({
    ...SAVE,
    values: [
      deadlines.map(({ orderId }) => orderId),
      deadlines.map(({ step }) => step),
      deadlines.map(({ version }) => version),
      deadlines.map(({ dueAt }) => timestamp(dueAt)),
    ],
  });
}

const REMOVE = {
  name: 'remove-deadlines',
  text: `
    DELETE FROM deadlines USING unnest($1::text[], $2::text[], $3::int8[]) AS gone (order_id, step, version)
     WHERE deadlines.order_id = gone.order_id AND deadlines.step = gone.step
       AND deadlines.version <= gone.version`,
};

/** Removes deadlines that are of this version or older. */
export async function removeDeadlines(
  client: Queryable,
  deadlines: readonly Pick<Deadline, 'orderId' | 'step' | 'version'>[],
): Promise<void> {
  if (deadlines.length === 0) return;
  await client.query({
    ...REMOVE,
    values: [
      deadlines.map(({ orderId }) => orderId),
      deadlines.map(({ step }) => step),
      deadlines.map(({ version }) => version),
    ],
  });
}

const POSTPONE = {
  name: 'postpone-deadline',
  text: 'UPDATE deadlines SET due_at = $4::timestamptz WHERE order_id = $1 AND step = $2 AND version = $3',
};

/** Moves a deadline to another time, unless a newer one has taken its place. */
export async function postponeDeadline(client: Queryable, deadline: Deadline, dueAt: number): Promise<void> {
  const { orderId, step, version } = deadline;
  await client.query({ ...POSTPONE, values: [orderId, step, version, timestamp(dueAt)] });
}

const DUE = {
  name: 'due-deadlines',
  text: `
    SELECT order_id, step, version, (extract(epoch FROM due_at) * 1000)::float8 AS due_at
      FROM deadlines WHERE due_at <= $1::timestamptz ORDER BY due_at LIMIT $2`,
};

/** The deadlines that are over at a time (milliseconds since 1970), longest overdue first. */
export async function dueDeadlines(client: Queryable, now: number, limit: number): Promise<Deadline[]> {
  const { rows } = await client.query<{ order_id: string; step: string; version: number; due_at: number }>({
    ...DUE,
    values: [timestamp(now), limit],
  });
  return rows.flatMap(({ order_id: orderId, step, version, due_at: dueAt }) =>
    isStep(step) ? [{ orderId, step, version, dueAt }] : [],
  );
}

/** Every deadline; for a person and for tests. */
export async function allDeadlines(client: Queryable): Promise<Deadline[]> {
  const { rows } = await client.query<{ order_id: string; step: string; version: number; due_at: number }>(
    `SELECT order_id, step, version, (extract(epoch FROM due_at) * 1000)::float8 AS due_at
       FROM deadlines ORDER BY order_id, step`,
  );
  return rows.flatMap(({ order_id: orderId, step, version, due_at: dueAt }) =>
    isStep(step) ? [{ orderId, step, version, dueAt }] : [],
  );
}

export async function removeAllDeadlines(client: Queryable): Promise<void> {
  await client.query('DELETE FROM deadlines');
}

const isStep = (text: string): text is Step => STEPS.some((step) => step === text);
const timestamp = (ms: number): string => new Date(ms).toISOString();
