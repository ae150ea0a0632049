import { type DeadLetter, type ParkedDeadLetter } from '@headwater/contracts';
import { InvalidArgumentError } from 'commander';
import { CommandFailed } from '../command-failed';

/** What dead letters are chosen by; all that is given must fit. */
export interface DeadLetterFilter {
  consumer?: string;
  parkedFor?: ParkedDeadLetter['reason'];
  aggregate?: string;
  /** Seconds since it was parked. */
  olderThan?: number;
  youngerThan?: number;
}

/** `90s`, `15m`, `2h` or `7d`, as seconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = unit === 's' ? 1 : unit === 'm' ? 60 : unit === 'h' ? 3_600 : unit === 'd' ? 86_400 : 0;
  if (count === undefined || seconds === 0)
    throw new InvalidArgumentError('must be a number and s, m, h or d, for example 15m');
  return Number(count) * seconds;
}

/** The positions that stand on the command line. */
export const positionsOf = (ids: readonly string[]): number[] =>
  ids.map((id) => {
    if (!/^[1-9]\d{0,14}$/.test(id))
      throw new CommandFailed(`${id} is no dead letter; headwater deadletters ls shows their numbers`);
    return Number(id);
  });

/**
 * The letters that fit, in the order they were parked in.
 *
 * @param ids positions; none means that any will do
 * @param now milliseconds since 1970
 */
export function choose(
  letters: readonly DeadLetter[],
  ids: readonly number[],
  filter: DeadLetterFilter,
  now: number,
): DeadLetter[] {
  const wanted = new Set(ids);
  return letters.filter(({ position, parked, parking }) => {
    const age = ageOf(parking.recordedAt, now);
    return (
      (wanted.size === 0 || wanted.has(position)) &&
      parked.consumer === (filter.consumer ?? parked.consumer) &&
      parked.reason === (filter.parkedFor ?? parked.reason) &&
      (filter.aggregate === undefined || parked.event?.aggregate_id === filter.aggregate) &&
      age >= (filter.olderThan ?? -Infinity) &&
      age <= (filter.youngerThan ?? Infinity)
    );
  });
}

/** Seconds since an RFC 3339 time. */
export const ageOf = (time: string, now: number): number => (now - Date.parse(time)) / 1000;

/** Seconds for a person: `42 s`, `13 min`, `5 h`, `3 d`. */
export function age(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
