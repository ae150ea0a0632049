import { z } from 'zod';
import { ServerConfig } from './jetstream-info';

const TWO_MINUTES = 120e9;
const ALL_SUBJECTS = '>';

/**
 * A stream's configuration as the server completes it. Both what is declared and what is held are compared in this form;
 * what it fills in is never sent. Source: nats-server, `checkStreamCfg` and `configUpdateCheck`.
 */
export function completeStream(config: ServerConfig): Record<string, unknown> {
  const complete: Record<string, unknown> = { ...config };
  const borrows = !isNothing(complete['mirror']) || !isNothing(complete['sources']);
  const subjects = complete['subjects'];
  if (!borrows && (!Array.isArray(subjects) || subjects.length === 0))
    complete['subjects'] = [complete['name']];
  // Servers before 2.12 give a window to streams with sources too, later ones don't: there none and the usual one are the same.
  if (isNothing(complete['mirror']) && !complete['duplicate_window']) {
    const age = Number(complete['max_age'] ?? 0);
    complete['duplicate_window'] = age > 0 ? Math.min(TWO_MINUTES, age) : TWO_MINUTES;
  }
  if (Number(complete['subject_delete_marker_ttl'] ?? 0) > 0) complete['allow_msg_ttl'] = true;
  if (Number(complete['subject_delete_marker_ttl'] ?? 0) > 0 || complete['allow_msg_schedules'] === true) {
    complete['allow_rollup_hdrs'] = true;
  }
  complete['republish'] = completeRepublish(complete);
  if (complete['sealed'] === true) {
    Object.assign(complete, {
      max_age: 0,
      discard: 'new',
      deny_delete: true,
      deny_purge: true,
      allow_rollup_hdrs: false,
    });
  }
  return complete;
}

/** What is published again from everything to everything follows the stream's subject transform. */
function completeRepublish({ republish, subject_transform, subjects }: Record<string, unknown>): unknown {
  const both = z.object({ src: z.string().optional(), dest: z.string() });
  const again = both.safeParse(republish);
  if (!again.success) return republish;
  const source = again.data.src || ALL_SUBJECTS;
  const transform = both.safeParse(subject_transform);
  const implicit =
    source === ALL_SUBJECTS &&
    again.data.dest === ALL_SUBJECTS &&
    transform.success &&
    Array.isArray(subjects) &&
    subjects.length === 1 &&
    subjects[0] === transform.data.src;
  return {
    ...z.looseObject({}).parse(republish),
    ...(implicit ? { src: transform.data.dest, dest: transform.data.dest } : { src: source }),
  };
}

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/** Fields that the server chooses by itself when they are not declared. */
export function inheritedByStream(config: ServerConfig): readonly string[] {
  return isNothing(config['mirror']) ? [] : ['mirror_direct'];
}
