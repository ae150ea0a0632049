import {
  type DeadLetter,
  DeadLetterFold,
  type DeadLetterState,
  isOpen,
  LOGS,
  waitsBehind,
} from '@headwater/contracts';
import { adviceOn, EventStoreClient } from '@headwater/eventstore-client';
import { CommandFailed } from '../command-failed';
import { print, table } from '../table';
import { age, ageOf, choose, DeadLetterFilter, positionsOf } from './dead-letter-filter';

export interface ListOptions extends DeadLetterFilter {
  eventstore: string;
  state: DeadLetterState | 'open' | 'all';
  limit: number;
  json?: boolean;
}

/** Lists dead letters, those that wait unless told otherwise; oldest first. */
export async function listDeadLetters(ids: string[], options: ListOptions): Promise<void> {
  const all = await withStore(options.eventstore, readDeadLetters);
  const fitting = choose(all, positionsOf(ids), options, Date.now()).filter((letter) =>
    options.state === 'all'
      ? true
      : options.state === 'open'
        ? isOpen(letter)
        : letter.state === options.state,
  );
  const shown = fitting.slice(0, options.limit);
  if (options.json) return print(JSON.stringify(shown.map(plain)));
  if (shown.length === 0)
    return print(options.state === 'open' ? 'no dead letters wait' : 'no such dead letters');
  print(
    table(
      ['ID', 'CONSUMER', 'EVENT', 'POSITION', 'AGGREGATE', 'PARKED FOR', 'TRIES', 'AGE', 'STATE', 'ERROR'],
      shown.map((letter) => row(letter, all)),
    ),
  );
  if (fitting.length > shown.length)
    print(`${fitting.length - shown.length} more; --limit shows them, filters narrow them down`);
}

function row(letter: DeadLetter, all: readonly DeadLetter[]): (string | number)[] {
  const { position, parked, parking } = letter;
  return [
    position,
    parked.consumer,
    parked.event?.event_type ?? parked.message?.subject ?? '',
    parked.sequence,
    parked.event?.aggregate_id ?? '-',
    parked.reason,
    parked.attempts,
    age(ageOf(parking.recordedAt, Date.now())),
    stateOf(letter, all),
    firstLine(parked.error.message),
  ];
}

function stateOf(letter: DeadLetter, all: readonly DeadLetter[]): string {
  if (letter.state !== 'parked') return letter.state;
  const before = waitsBehind(sameAggregate(all, letter), letter);
  return before ? `behind ${before.position}` : 'parked';
}

/** The letters among which order is kept. */
export const sameAggregate = (all: readonly DeadLetter[], { parking }: DeadLetter): DeadLetter[] =>
  all.filter((other) => other.parking.aggregateId === parking.aggregateId);

/** Shows one dead letter: what it was, why it failed, and what was done about it. */
export async function showDeadLetter(
  id: string,
  options: { eventstore: string; json?: boolean },
): Promise<void> {
  const [position] = positionsOf([id]);
  const all = await withStore(options.eventstore, readDeadLetters);
  const letter = all.find((known) => known.position === position);
  if (!letter) throw new CommandFailed(`there is no dead letter ${id}; headwater deadletters ls shows them`);
  print(options.json ? JSON.stringify(plain(letter)) : describe(letter, all));
}

function describe(letter: DeadLetter, all: readonly DeadLetter[]): string {
  const { parked, parking, position, history } = letter;
  const { event, message } = parked;
  const lines: [string, string][] = [
    ['dead letter', `${position}, ${stateOf(letter, all)}`],
    ['consumer', parked.consumer],
    ...(event
      ? ([
          ['event', `${event.event_type}, ${event.log} ${event.position}, id ${event.event_id}`],
          ['aggregate', event.aggregate_id],
        ] as [string, string][])
      : []),
    ...(message
      ? ([
          ['message', `${message.subject}, ${parked.stream} ${parked.sequence}; it is no event`],
          ['body', firstLine(message.body)],
        ] as [string, string][])
      : []),
    ['parked for', `${parked.reason}, after ${times(parked.attempts, 'failure')}`],
    ['error', `${parked.error.name}: ${parked.error.message}`],
    ['failed', `first ${parked.first_failure}, last ${parked.last_failure}`],
    ['redriven', parked.redrive === 0 ? 'never before' : `${times(parked.redrive, 'time')} before`],
  ];
  const audit = [
    { name: 'parked', at: parking.recordedAt, by: parked.consumer, reason: parked.error.message },
    ...history,
  ].map(({ name, at, by = '', reason = '' }) => [at, name, by, firstLine(reason)]);
  return [
    ...lines.map(([name, value]) => `${name.padEnd(12)} ${value}`),
    '',
    table(['TIME', 'WHAT', 'BY', 'WHY'], audit),
  ].join('\n');
}

const times = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const firstLine = (text: string): string => {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
};

/** As JSON has it. */
const plain = ({ position, state, parking, parked, history }: DeadLetter): unknown => ({
  id: position,
  state,
  parked_at: parking.recordedAt,
  ...parked,
  history,
});

/** Every dead letter there ever was, by position. */
export async function readDeadLetters(store: EventStoreClient): Promise<DeadLetter[]> {
  const fold = new DeadLetterFold();
  for await (const page of store.readLog(LOGS.deadLetters, { after: 0 }))
    for (const event of page) fold.apply(event);
  if (fold.unreadable.length > 0)
    process.stderr.write(
      `headwater: ${fold.unreadable.length} events of ${LOGS.deadLetters} can't be read and are left out, the first at position ${fold.unreadable[0]}\n`,
    );
  return fold.letters;
}

/** Runs a command's work on the event store; an outage becomes one sentence. */
export async function withStore<T>(
  address: string,
  work: (store: EventStoreClient) => Promise<T>,
): Promise<T> {
  const store = new EventStoreClient({ address, channels: 1, appendDeadlineMs: 5_000 });
  try {
    return await work(store);
  } catch (cause) {
    if (adviceOn(cause) !== 'wait') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailed(`the event store at ${address} can not serve now: ${reason}`, { cause });
  } finally {
    await store.close();
  }
}
