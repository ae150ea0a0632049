import { z } from 'zod';
import { DURATION, LONGEST_DURATION, nanoseconds, parseDuration } from './duration';

/** Prefix of the metadata keys that the server writes itself. */
export const SERVER_METADATA = '_nats.';
/** Prefix of the metadata keys that we write. */
export const OUR_METADATA = 'headwater.dev/';

/** A rule of the API server's; `self` is the value. */
const cel = (...rules: { rule: string; message: string }[]) => ({ 'x-kubernetes-validations': rules });

/** A duration in Go's syntax; at least `atLeastMs` milliseconds unless it is 0. */
export const duration = (atLeastMs = 0) =>
  z
    .string()
    .max(32)
    .regex(DURATION, 'must be a duration such as "30s" or "1h30m"')
    .refine((text) => !exceedsLongest(text), `must be ${LONGEST_DURATION} or less`)
    .refine(
      (text) => nanoseconds(text) === 0 || nanoseconds(text) >= atLeastMs * 1e6,
      `must be 0 or at least ${atLeastMs}ms`,
    )
    .meta(
      cel(
        {
          rule: `duration(self) <= duration('${LONGEST_DURATION}')`,
          message: `must be ${LONGEST_DURATION} or less`,
        },
        ...(atLeastMs === 0
          ? []
          : [
              {
                rule: `duration(self) == duration('0') || duration(self) >= duration('${atLeastMs}ms')`,
                message: `must be 0 or at least ${atLeastMs}ms`,
              },
            ]),
      ),
    );

function exceedsLongest(text: string): boolean {
  try {
    parseDuration(text);
    return false;
  } catch {
    return DURATION.test(text);
  }
}

/** A point in time, RFC 3339. */
export const instant = z.iso.datetime({ offset: true }).max(64);

/** Name of a stream or consumer. */
export const assetName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^ \t\r\n\f.*>\\/]+$/, String.raw`must not contain spaces or any of . * > \ /`);

const TOKEN = String.raw`[^ \t\r\n\f.*>]+`;
/** A subject, wildcards allowed. */
export const subject = z
  .string()
  .max(512)
  .regex(
    new RegExp(String.raw`^(?:${TOKEN}|\*)(?:\.(?:${TOKEN}|\*))*(?:\.>)?$|^>$`),
    'must be a subject such as ORDERS.>',
  );
/** A subject without wildcards. */
export const literalSubject = z
  .string()
  .max(512)
  .regex(new RegExp(String.raw`^${TOKEN}(?:\.${TOKEN})*$`), 'must be a subject without wildcards');
/** A subject that may hold the functions of subject mappings, `orders.{{wildcard(1)}}`. */
export const mappedSubject = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\r\n\f\t]+$/, 'must be a subject');

/** A list without order, in which nothing stands twice. */
export const setOf = <Item extends z.ZodType>(item: Item, most: number) =>
  z
    .array(item)
    .min(1)
    .max(most)
    .refine((items) => new Set(items).size === items.length, 'must not name anything twice')
    .meta({ 'x-kubernetes-list-type': 'set' });

/** A list with an order. */
export const listOf = <Item extends z.ZodType>(item: Item, most: number) =>
  z.array(item).min(1).max(most).meta({ 'x-kubernetes-list-type': 'atomic' });

/** The widest whole number that JSON carries exactly. */
const LARGEST = Number.MAX_SAFE_INTEGER;
const LARGEST_INT32 = 2 ** 31 - 1;
/** A limit: −1 and 0 mean none. */
export const limit = z.int().min(-1).max(LARGEST);
export const smallLimit = z.int().min(-1).max(LARGEST_INT32);
export const positive = z.int().min(1).max(LARGEST_INT32);
export const sequence = z.int().min(0).max(LARGEST);

export const flag = z.boolean();
export const text = z.string().max(1024);

/** Free key-value pairs; the server's own keys and ours are not to be had. */
export const metadata = z
  .record(z.string(), z.string().max(4096))
  .refine((pairs) => Object.keys(pairs).length <= 64, 'must not have more than 64 entries')
  .refine(
    (pairs) =>
      Object.keys(pairs).every(
        (key) => key !== '' && !key.startsWith('_nats') && !key.startsWith(OUR_METADATA),
      ),
    `keys must not be empty or begin with _nats or ${OUR_METADATA}, which are reserved`,
  )
  .meta({
    maxProperties: 64,
    ...cel({
      rule: `self.all(key, key != '' && !key.startsWith('_nats') && !key.startsWith('${OUR_METADATA}'))`,
      message: `keys must not be empty or begin with _nats or ${OUR_METADATA}, which are reserved`,
    }),
  });
