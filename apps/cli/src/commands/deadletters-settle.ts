import {
  CONSUMERS,
  DEAD_LETTER_EVENTS,
  type DeadLetter,
  type DeadLetterDecision,
  decideDiscard,
  decideRedrive,
  type Decider,
  isOpen,
  waitsBehind,
} from '@headwater/contracts';
import { decideOnDeadLetters, EventStoreClient } from '@headwater/eventstore-client';
import { CommandFailed } from '../command-failed';
import { print, table } from '../table';
import { choose, DeadLetterFilter, positionsOf } from './dead-letter-filter';
import { readDeadLetters, sameAggregate, withStore } from './deadletters';

export interface SettleOptions extends DeadLetterFilter {
  eventstore: string;
  all?: boolean;
  /** Dead letters a second. */
  rate: number;
  yes?: boolean;
  reason?: string;
  by: string;
}

/** It follows the log itself: an event that was left out comes back by a rebuild, not by a message. */
const WITHOUT_REDRIVE: ReadonlySet<string> = new Set([CONSUMERS.projection]);

/** One append: the letters of it, which share an aggregate. */
interface Unit {
  letters: DeadLetter[];
  decide(letters: DeadLetter[], decider: Decider): DeadLetterDecision;
}

/** Sends dead letters to the worker that failed, or tells how many that would be. */
export async function redriveDeadLetters(ids: string[], options: SettleOptions): Promise<void> {
  await settle(ids, options, 'redrive', (chosen, all) => {
    const refused = chosen.filter(({ parked }) => WITHOUT_REDRIVE.has(parked.consumer));
    if (refused.length > 0)
      note(
        refused,
        'takes no redriven messages: it follows the log itself (headwater projections rebuild), so discard them',
      );
    const waiting = chosen.filter(
      (letter) => letter.state === 'parked' && waitsBehind(sameAggregate(all, letter), letter),
    );
    if (waiting.length > 0) note(waiting, 'waits behind another and follows it by itself');
    return chosen
      .filter((letter) => letter.state === 'parked')
      .filter((letter) => !refused.includes(letter) && !waiting.includes(letter))
      .sort((a, b) => a.parked.sequence - b.parked.sequence)
      .map((letter) => ({
        letters: [letter],
        decide: (letters, decider) => decideRedrive(letters, letter.position, decider),
      }));
  });
}

/** An append takes 256 events, and one more may be released. */
const TOGETHER = 200;

/** Gives dead letters up for good, or tells how many that would be. */
export async function discardDeadLetters(ids: string[], options: SettleOptions): Promise<void> {
  await settle(ids, options, 'discard', (chosen) => {
    const byAggregate = new Map<string, DeadLetter[]>();
    for (const letter of chosen)
      byAggregate.set(letter.parking.aggregateId, [
        ...(byAggregate.get(letter.parking.aggregateId) ?? []),
        letter,
      ]);
    return [...byAggregate.values()].flatMap((letters) => {
      // From the last to the first, so that nothing is released that is to be discarded as well.
      const left = letters.sort((a, b) => b.parked.sequence - a.parked.sequence);
      const units: Unit[] = [];
      while (left.length > 0) {
        const together = left.splice(0, TOGETHER);
        const positions = together.map(({ position }) => position);
        units.push({
          letters: together,
          decide: (known, decider) => decideDiscard(known, positions, decider),
        });
      }
      return units;
    });
  });
}

async function settle(
  ids: string[],
  options: SettleOptions,
  what: 'redrive' | 'discard',
  unitsOf: (chosen: DeadLetter[], all: DeadLetter[]) => Unit[],
): Promise<void> {
  const positions = positionsOf(ids);
  const { consumer, parkedFor, aggregate, olderThan, youngerThan } = options;
  const filtered = [consumer, parkedFor, aggregate, olderThan, youngerThan].some(
    (value) => value !== undefined,
  );
  if (positions.length === 0 && !filtered && !options.all)
    throw new CommandFailed(`say which: numbers of dead letters, filters, or --all`);
  const { by } = options;
  const reason = options.reason ?? '';
  if (options.yes && (reason.trim() === '' || by.trim() === ''))
    throw new CommandFailed('--reason and --by are recorded: with --yes neither can be missing or empty');

  await withStore(options.eventstore, async (store) => {
    const all = await readDeadLetters(store);
    for (const position of positions)
      if (!all.some((letter) => letter.position === position))
        throw new CommandFailed(`there is no dead letter ${position}; headwater deadletters ls shows them`);
    const chosen = choose(all, positions, options, Date.now()).filter(isOpen);
    const units = unitsOf(chosen, all);
    const count = units.reduce((sum, { letters }) => sum + letters.length, 0);
    if (count === 0) return print(`nothing to ${what}`);
    print(counts(units.flatMap(({ letters }) => letters)));
    if (!options.yes)
      return print(
        `\nwould ${what} ${count}; nothing has been changed. Repeat it with --yes --reason "why".`,
      );
    const past = what === 'redrive' ? 'redriven' : 'discarded';
    const done = await run(store, units, options.rate, { by, reason }, past);
    print(`\n${done} of ${count} ${past} by ${by}: ${reason}`);
    if (what === 'redrive')
      print('each waits for its worker, and is handled or parked again; see headwater deadletters ls');
  });
}

/** How many of each kind. */
function counts(letters: readonly DeadLetter[]): string {
  const rows = new Map<string, number>();
  for (const { parked } of letters) {
    const key = `${parked.consumer}\n${parked.reason}\n${parked.event?.event_type ?? 'no event'}`;
    rows.set(key, (rows.get(key) ?? 0) + 1);
  }
  return table(
    ['CONSUMER', 'PARKED FOR', 'EVENT', 'COUNT'],
    [...rows].map(([key, count]) => [...key.split('\n'), count]),
  );
}

function note(letters: readonly DeadLetter[], why: string): void {
  const consumers = [...new Set(letters.map(({ parked }) => parked.consumer))].join(', ');
  print(`${letters.length} of ${consumers} left out: each ${why}\n`);
}

/** Appends one unit after another, no faster than asked; what others have decided meanwhile is told and left. */
async function run(
  store: EventStoreClient,
  units: readonly Unit[],
  rate: number,
  decider: Decider,
  what: 'redriven' | 'discarded',
): Promise<number> {
  const began = performance.now();
  let begun = 0;
  let done = 0;
  for (const { letters, decide } of units) {
    const due = began + (begun * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    begun += letters.length;
    const [first] = letters;
    if (!first) continue;
    const decision = await decideOnDeadLetters(store, first.parking.aggregateId, (known) =>
      decide(known, decider),
    );
    if ('refused' in decision) {
      print(`left as it is: ${decision.refused}`);
      continue;
    }
    // A release of what waited behind is not among those that were asked for.
    done += decision.steps.filter(({ event }) => event.eventType === DEAD_LETTER_EVENTS[what].type).length;
  }
  return done;
}
