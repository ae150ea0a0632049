/**
 * An `int8` as PostgreSQL sends it, as a number. Positions, versions and counters fit a double's 53 bits for longer
 * than any log lives; a value beyond them is refused rather than rounded.
 *
 * @throws RangeError
 */
export function parsePosition(value: string | number): number {
  const position = Number(value);
  if (!Number.isSafeInteger(position)) {
    throw new RangeError(`the int8 ${value} is outside the range of safe integers`);
  }
  return position;
}
