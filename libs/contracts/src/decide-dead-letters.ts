import { DEAD_LETTER_EVENTS } from './dead-letter-events';
import { DeadLetter, isOpen } from './dead-letters';
import { NewEvent, RecordedEvent } from './event';

/** Who decides, and why; both are recorded. */
export interface Decider {
  by: string;
  reason: string;
}

/** An event to be appended; its id derives from the parking that it is about, so each happens to a parking once. */
export interface DeadLetterStep {
  cause: RecordedEvent;
  event: Omit<NewEvent, 'eventId'>;
}

/** What is to be appended to the dead letters' aggregate, or why nothing is. */
export type DeadLetterDecision = { steps: DeadLetterStep[] } | { refused: string };

/**
 * Sends a parked message to its worker again. One that waits behind another is not sent before it: it follows by itself.
 *
 * @param letters those of one aggregate
 * @param position of the parking
 */
export function decideRedrive(
  letters: readonly DeadLetter[],
  position: number,
  decider: Decider,
): DeadLetterDecision {
  const letter = letters.find((known) => known.position === position);
  if (!letter) return { refused: `there is no dead letter ${position}` };
  if (letter.state === 'redriven') return { refused: `${position} is on its way to its worker already` };
  if (!isOpen(letter)) return { refused: `${position} is ${letter.state}` };
  const before = waitsBehind(letters, letter);
  if (before) return { refused: `${position} waits behind ${before.position}, and follows it by itself` };
  return { steps: [step('redriven', letter, decider)] };
}

/** The open dead letter that this one waits behind. */
export function waitsBehind(letters: readonly DeadLetter[], letter: DeadLetter): DeadLetter | undefined {
  if (letter.parked.reason !== 'behind') return undefined;
  const [first] = inOrder(letters.filter(isOpen));
  return first === letter ? undefined : first;
}

/**
 * Gives parked messages up for good. If another waited behind the last of them, that one is sent to its worker with it.
 *
 * @param letters those of one aggregate
 * @param positions of the parkings; what is not open any more is left out
 */
export function decideDiscard(
  letters: readonly DeadLetter[],
  positions: readonly number[],
  decider: Decider,
): DeadLetterDecision {
  const chosen = letters.filter((letter) => positions.includes(letter.position) && isOpen(letter));
  if (chosen.length === 0) return { refused: `${positions.join(', ')} can't be discarded: not open` };
  const steps = chosen.map((letter) => step('discarded', letter, decider));
  return { steps: [...steps, ...released(letters, chosen, decider.by)] };
}

/** The worker has handled a redriven message: that is recorded, and what waited behind it is sent. */
export function decideHandled(
  letters: readonly DeadLetter[],
  position: number,
  by: string,
): DeadLetterStep[] {
  const letter = letters.find((known) => known.position === position);
  if (!letter || letter.history.some(({ name }) => name === 'handled')) return [];
  return [step('handled', letter), ...released(letters, [letter], by)];
}

/** The next in line, when it has only waited behind those that end now. */
function released(
  letters: readonly DeadLetter[],
  ended: readonly DeadLetter[],
  by: string,
): DeadLetterStep[] {
  const [next] = inOrder(letters.filter((letter) => isOpen(letter) && !ended.includes(letter)));
  if (next?.parked.reason !== 'behind' || next.state !== 'parked') return [];
  const before = ended.map(({ position }) => position).join(', ');
  return [step('redriven', next, { by, reason: `it waited behind ${before}, which has ended` })];
}

const inOrder = (letters: readonly DeadLetter[]): DeadLetter[] =>
  [...letters].sort((a, b) => a.parked.sequence - b.parked.sequence || a.position - b.position);

function step(
  name: 'redriven' | 'discarded' | 'handled',
  { position, parking, parked }: DeadLetter,
  decider?: Decider,
): DeadLetterStep {
  const { type, version } = DEAD_LETTER_EVENTS[name];
  return {
    cause: parking,
    event: {
      eventType: type,
      data: JSON.stringify({ consumer: parked.consumer, parked_position: position, ...decider }),
      metadata: {
        schemaVersion: version,
        causationId: parking.eventId,
        correlationId: parking.metadata.correlationId ?? parked.event?.event_id ?? parking.eventId,
      },
    },
  };
}
