import { DEAD_LETTER_EVENTS, DeadLetterEventName, ParkedDeadLetter } from './dead-letter-events';
import { foldDeadLetters, DeadLetterFold } from './dead-letters';
import {
  DeadLetterStep,
  decideDiscard,
  decideHandled,
  decideRedrive,
  waitsBehind,
} from './decide-dead-letters';
import { RecordedEvent } from './event';

/** A log of dead letters that grows by what a test says. */
class Log {
  readonly events: RecordedEvent[] = [];

  add(name: DeadLetterEventName, data: unknown): number {
    const { type, version } = DEAD_LETTER_EVENTS[name];
    return this.record(type, JSON.stringify(data), version);
  }

  record(eventType: string, data: string, schemaVersion: number): number {
    const position = this.events.length + 1;
    this.events.push({
      log: 'DEADLETTERS',
      position,
      eventId: `d${position}`,
      eventType,
      aggregateId: 'w:x',
      aggregateType: 'deadletter',
      version: position,
      data,
      metadata: { schemaVersion },
      recordedAt: '2026-01-01T00:00:00.000Z',
    });
    return position;
  }

  park(sequence: number, reason: ParkedDeadLetter['reason'] = 'terminal', redrive = 0): number {
    return this.add('parked', {
      stream: 'ORDERS',
      consumer: 'w',
      sequence,
      redrive,
      event: {
        log: 'ORDERS',
        position: sequence,
        event_id: `e${sequence}`,
        event_type: 'ORDERS.created',
        aggregate_id: 'x',
      },
      error: { name: 'Error', message: 'broken' },
      reason,
      attempts: 1,
      first_failure: '2026-01-01T00:00:00.000Z',
      last_failure: '2026-01-01T00:00:00.000Z',
    } satisfies ParkedDeadLetter);
  }

  then(steps: readonly DeadLetterStep[]): string[] {
    return steps.map(({ event }) => {
      this.record(event.eventType, event.data, event.metadata?.schemaVersion ?? 0);
      const { parked_position } = JSON.parse(event.data) as { parked_position: number };
      return `${event.eventType.replace('DEADLETTERS.', '')} ${parked_position}`;
    });
  }

  get letters() {
    return foldDeadLetters(this.events);
  }

  get states() {
    return Object.fromEntries(this.letters.map(({ position, state }) => [position, state]));
  }
}

const ada = { by: 'ada', reason: 'mended' };
const stepsOf = (decision: ReturnType<typeof decideRedrive>): readonly DeadLetterStep[] => {
  if ('refused' in decision) throw new Error(decision.refused);
  return decision.steps;
};

test('a parking is parked, redriven, and then handled; each is on record', () => {
  const log = new Log();
  const id = log.park(7);
  expect(log.states).toEqual({ [id]: 'parked' });
  expect(log.then(stepsOf(decideRedrive(log.letters, id, ada)))).toEqual([`redriven ${id}`]);
  expect(log.states).toEqual({ [id]: 'redriven' });
  expect(log.then(decideHandled(log.letters, id, 'w'))).toEqual([`handled ${id}`]);
  expect(log.letters[0]).toMatchObject({
    state: 'handled',
    history: [
      { name: 'redriven', position: 2, by: 'ada', reason: 'mended' },
      { name: 'handled', position: 3 },
    ],
  });
  expect(decideHandled(log.letters, id, 'w')).toEqual([]);
});

test('what fails again is another parking, and the one before it is over', () => {
  const log = new Log();
  const first = log.park(7);
  log.then(stepsOf(decideRedrive(log.letters, first, ada)));
  const second = log.park(7, 'attempts', 1);
  expect(log.states).toEqual({ [first]: 'parked-again', [second]: 'parked' });
  expect(decideRedrive(log.letters, first, ada)).toEqual({ refused: `${first} is parked-again` });
  expect(log.then(stepsOf(decideRedrive(log.letters, second, ada)))).toEqual([`redriven ${second}`]);
});

test('a redrive happens once, and not after a discard', () => {
  const log = new Log();
  const [a, b] = [log.park(1), log.park(2)];
  log.then(stepsOf(decideRedrive(log.letters, a, ada)));
  expect(decideRedrive(log.letters, a, ada)).toEqual({ refused: `${a} is on its way to its worker already` });
  log.then(stepsOf(decideDiscard(log.letters, [b], ada)));
  expect(decideRedrive(log.letters, b, ada)).toEqual({ refused: `${b} is discarded` });
  expect(decideDiscard(log.letters, [b], ada)).toHaveProperty('refused');
  expect(decideRedrive(log.letters, 99, ada)).toEqual({ refused: 'there is no dead letter 99' });
});

test('what waits behind is released in order, one after another, as each before it is handled', () => {
  const log = new Log();
  // Parked out of order, as by two processes.
  const [first, third, second] = [log.park(1), log.park(3, 'behind'), log.park(2, 'behind')];
  expect(waitsBehind(log.letters, log.letters[1]!)?.position).toBe(first);
  expect(decideRedrive(log.letters, second, ada)).toHaveProperty('refused');
  log.then(stepsOf(decideRedrive(log.letters, first, ada)));
  expect(log.then(decideHandled(log.letters, first, 'w'))).toEqual([
    `handled ${first}`,
    `redriven ${second}`,
  ]);
  expect(log.then(decideHandled(log.letters, second, 'w'))).toEqual([
    `handled ${second}`,
    `redriven ${third}`,
  ]);
  expect(log.then(decideHandled(log.letters, third, 'w'))).toEqual([`handled ${third}`]);
});

test('a discard releases what waited behind it, and one of the whole line releases nothing', () => {
  const log = new Log();
  const [first, second, third] = [log.park(1), log.park(2, 'behind'), log.park(3, 'behind')];
  expect(log.then(stepsOf(decideDiscard(log.letters, [first], ada)))).toEqual([
    `discarded ${first}`,
    `redriven ${second}`,
  ]);
  const whole = new Log();
  [whole.park(1), whole.park(2, 'behind')].forEach(() => undefined);
  expect(whole.then(stepsOf(decideDiscard(whole.letters, [1, 2], ada)))).toEqual([
    'discarded 1',
    'discarded 2',
  ]);
  expect(log.states[third]).toBe('parked');
});

test('one discarded out of the middle releases nothing that still waits', () => {
  const log = new Log();
  const [, second] = [log.park(1), log.park(2, 'behind'), log.park(3, 'behind')];
  expect(log.then(stepsOf(decideDiscard(log.letters, [second], ada)))).toEqual([`discarded ${second}`]);
});

test('one that fails again holds back what waits behind it', () => {
  const log = new Log();
  const [first, second] = [log.park(1), log.park(2, 'behind')];
  log.then(stepsOf(decideRedrive(log.letters, first, ada)));
  const again = log.park(1, 'terminal', 1);
  expect(waitsBehind(log.letters, log.letters[1]!)?.position).toBe(again);
  expect(log.states[second]).toBe('parked');
});

test('what was handled after it had been discarded stays discarded, with both on record', () => {
  const log = new Log();
  const id = log.park(1);
  log.then(stepsOf(decideDiscard(log.letters, [id], ada)));
  log.then(decideHandled(log.letters, id, 'w'));
  expect(log.letters[0]).toMatchObject({
    state: 'discarded',
    history: [{ name: 'discarded' }, { name: 'handled' }],
  });
});

test('events that can not be read are named, and the others are not lost with them', () => {
  const log = new Log();
  log.park(1);
  log.record('DEADLETTERS.parked', '{"consumer":5}', 1);
  log.record('DEADLETTERS.somethingelse', '{}', 1);
  const fold = new DeadLetterFold();
  for (const event of log.events) fold.apply(event);
  expect(fold.letters).toHaveLength(1);
  expect(fold.unreadable).toEqual([2]);
});
