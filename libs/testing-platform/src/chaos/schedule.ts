import type { RoutedServer } from '@headwater/local-platform';
import { seededRandom } from '../random';

/** What is done to the platform at one moment. */
export type Strike =
  /** SIGKILL; the supervisor starts it again. */
  | { kind: 'kill'; process: string }
  /** SIGSTOP, and SIGCONT after so many milliseconds. */
  | { kind: 'pause'; process: string; ms: number }
  /** Every connection of a process to a server is reset; new ones are taken. */
  | { kind: 'cut'; process: string; server: RoutedServer }
  /** Nothing passes between a process and a server for so many milliseconds, and neither is told. */
  | { kind: 'freeze'; process: string; server: RoutedServer; ms: number }
  /** The same between a server and everybody. */
  | { kind: 'partition'; server: RoutedServer; ms: number }
  /** nats-server is killed and everything that JetStream has stored is gone. */
  | { kind: 'wipe' };

/** Strikes that fall together, and what follows them. */
export interface Round {
  /** Milliseconds after the beginning before which it does not begin. */
  at: number;
  strikes: Strike[];
  /** The next round follows at once, while this one's damage is being repaired. */
  hasty: boolean;
}

export interface ScheduleOptions {
  seed: number;
  /** SIGKILLs; what else happens comes on top, in proportion. */
  kills: number;
  /** Milliseconds over which the rounds are spread. */
  lengthMs: number;
  /** Longest pause or cut, in milliseconds. */
  longestMs: number;
  processes: readonly string[];
  /** Which servers a process reaches. */
  links: readonly { process: string; server: RoutedServer }[];
}

/** Shares of rounds in which two are struck at once, and after which nobody waits. */
const AT_ONCE = 0.15;
const HASTY = 0.15;
/** For every SIGKILL so many of the others. */
const PAUSES = 0.3;
const CUTS = 0.3;

/**
 * Everything that is going to happen, from the seed alone. Each process is killed about as often as any other, in an order
 * that is drawn; the store is wiped once, in the middle.
 */
export function planRounds(options: ScheduleOptions): Round[] {
  const { seed, kills, lengthMs, longestMs, processes, links } = options;
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[below(from.length)];
    if (picked === undefined) throw new Error('there is nothing to strike');
    return picked;
  };
  // Mostly short; one in four is longer than the leases and the ack wait, if that is allowed.
  const duration = (): number =>
    Math.round((random() < 0.25 ? longestMs : longestMs / 4) * (0.3 + 0.7 * random()));
  const strikes: Strike[] = [];
  const victims = [...processes];
  shuffle(victims, below);
  for (let n = 0; n < kills; n++) {
    const process = victims[n % victims.length];
    if (process !== undefined) strikes.push({ kind: 'kill', process });
  }
  for (let n = 0; n < Math.round(kills * PAUSES); n++)
    strikes.push({ kind: 'pause', process: pick(processes), ms: duration() });
  for (let n = 0; n < Math.round(kills * CUTS); n++) {
    const link = pick(links);
    const kind = pick(['cut', 'freeze', 'freeze', 'partition'] as const);
    if (kind === 'cut') strikes.push({ kind, ...link });
    else if (kind === 'freeze') strikes.push({ kind, ...link, ms: duration() });
    else strikes.push({ kind, server: link.server, ms: duration() });
  }
  shuffle(strikes, below);
  strikes.splice(Math.floor(strikes.length * (0.4 + 0.2 * random())), 0, { kind: 'wipe' });

  const rounds: Omit<Round, 'at'>[] = [];
  for (let strike = strikes.shift(); strike; strike = strikes.shift()) {
    const [next] = strikes;
    const together = random() < AT_ONCE && next !== undefined && !sameVictim(strike, next);
    const second = together ? strikes.shift() : undefined;
    rounds.push({ strikes: second ? [strike, second] : [strike], hasty: random() < HASTY });
  }
  const step = lengthMs / rounds.length;
  return rounds.map((round, n) => ({ ...round, at: Math.round((n + 0.8 * random()) * step) }));
}

/** Killing what is being killed would count twice and happen once. */
const sameVictim = (a: Strike, b: Strike): boolean => victimOf(a) === victimOf(b);

const victimOf = (strike: Strike): string | undefined =>
  strike.kind === 'wipe' ? 'nats-server' : 'process' in strike ? strike.process : undefined;

/** Fisher and Yates. */
function shuffle<T>(items: T[], below: (n: number) => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = below(last + 1);
    const [a, b] = [items[last], items[other]];
    if (a !== undefined && b !== undefined) [items[last], items[other]] = [b, a];
  }
}

/** What was struck, for a line and for the sums by kind: replicas of one service are one. */
export function kindOf(strike: Strike): string {
  const service = (process: string): string => process.replace(/-\d+$/, '');
  switch (strike.kind) {
    case 'kill':
    case 'pause':
      return `${strike.kind} ${service(strike.process)}`;
    case 'cut':
    case 'freeze':
      return `${strike.kind} a link to ${strike.server}`;
    case 'partition':
      return `partition of ${strike.server}`;
    case 'wipe':
      return 'wipe of the JetStream store';
  }
}

export function describeStrike(strike: Strike): string {
  switch (strike.kind) {
    case 'kill':
      return `killed ${strike.process}`;
    case 'pause':
      return `paused ${strike.process} for ${strike.ms} ms`;
    case 'cut':
      return `cut ${strike.process} off ${strike.server}`;
    case 'freeze':
      return `silence between ${strike.process} and ${strike.server} for ${strike.ms} ms`;
    case 'partition':
      return `silence between everybody and ${strike.server} for ${strike.ms} ms`;
    case 'wipe':
      return 'killed nats-server and wiped its store';
  }
}
