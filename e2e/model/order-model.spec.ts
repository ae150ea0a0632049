import * as fc from 'fast-check';
import { heldBy, isFinal } from '@headwater/order-domain';
import { Fate } from './calls';
import { MINOR, PlatformModel, PROCESSES } from './platform-model';

const HOUR_MS = 3_600_000;
const MONEY_FACTS = ['paymentdebited', 'paymentvoided'];
/** What can happen once to an order, however often it is attempted. */
const ONCE = [
  'created',
  'paymentdebited',
  'paymentdeclined',
  'approved',
  'rejected',
  'cancelled',
  'needsattention',
];

/** What has to hold after every single step. */
class Invariants {
  private ended: string | undefined;
  private checked = 0;

  constructor(private readonly model: PlatformModel) {}

  check(): void {
    const { order, names, held, terminal } = this.model;
    if (terminal.length > 0) throw terminal[0];
    const { status } = order;
    if (status === 'Approved' && held !== MINOR) this.fail(`approved, and the provider holds ${held}`);
    if (status === 'Cancelled' && held !== 0n) this.fail(`cancelled, and the provider holds ${held}`);
    for (; this.checked < names.length; this.checked++) {
      const name = names[this.checked] ?? '';
      if (ONCE.includes(name) && names.indexOf(name) !== this.checked) this.fail(`${name} twice`);
      if (this.ended !== undefined && !MONEY_FACTS.includes(name)) this.fail(`${name} after the end`);
    }
    if (this.ended !== undefined && status !== this.ended) this.fail(`${status} after ${this.ended}`);
    if (isFinal(status)) this.ended = status;
  }

  private fail(what: string): never {
    throw new Error(`${what}: ${this.model.names.join(', ')}`);
  }

  /** Failures have stopped and nothing is left to do. */
  checkAtRest(): void {
    this.check();
    const { order, held, waiting, unacked } = this.model;
    expect(isFinal(order.status)).toBe(true);
    expect(heldBy(order.books)).toBe(held);
    expect(waiting).toEqual([]);
    expect(unacked).toEqual([]);
  }
}

/** Everybody does their work, without failures, until nothing is left; those named stay asleep. */
async function settle(
  model: PlatformModel,
  invariants: Invariants,
  asleep: readonly string[] = [],
): Promise<void> {
  const awake = () => model.calls.pending.filter(({ process }) => !asleep.includes(process));
  const answerAll = async (): Promise<void> => {
    for (let call = awake()[0]; call; call = awake()[0]) {
      await model.settle(call, 'answered');
      invariants.check();
    }
  };
  await answerAll();
  for (let round = 0; round < 40; round++) {
    model.relay();
    model.recordDeadlines(Infinity);
    const due = model.waiting.filter(({ dueAt }) => dueAt <= model.now);
    const { unacked } = model;
    if (unacked.length === 0 && due.length === 0 && model.waiting.length === 0) return;
    // The second replica, so that one which sleeps at the first does not stand in its way.
    for (const message of unacked) {
      model.deliver(message, 1);
      await model.untilIdle();
      await answerAll();
    }
    for (const deadline of due) {
      model.fire(deadline, 1);
      await model.untilIdle();
      await answerAll();
    }
    // A worker's next attempt, and the next deadline.
    model.now += 2_000;
    if (unacked.length === 0 && due.length === 0) model.now += HOUR_MS;
  }
}

/** One move of somebody, drawn: `what` selects it, `which` and `how` say on what and with what outcome. */
interface Move {
  what: number;
  which: number;
  how: number;
}

const FATES: readonly Fate[] = [
  'answered',
  'answered',
  'answered',
  'answered',
  'not executed',
  'not answered',
];
const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % Math.max(1, from.length)];

async function make({ what, which, how }: Move, model: PlatformModel): Promise<void> {
  const replica = how % 2 === 0 ? 0 : 1;
  switch (what) {
    case 0: {
      // Any message may come again at any time, to either replica, and before those that were sent earlier.
      const message = pick(model.delivered, which);
      if (message) model.deliver(message, replica);
      break;
    }
    case 1: {
      // Deadlines are fired from what the table says, also by both replicas at once.
      const deadline = pick(
        model.waiting.filter(({ dueAt }) => dueAt <= model.now),
        which,
      );
      if (deadline) model.fire(deadline, replica);
      break;
    }
    case 2:
      model.relay();
      break;
    case 3:
      model.recordDeadlines(1 + (which % 3));
      break;
    case 4:
      model.now += pick([100, 1_000, 5_000, 61_000, HOUR_MS], which) ?? 0;
      break;
    case 5:
      if (how === 0) model.cancel();
      break;
    case 6: {
      const process = pick(PROCESSES, which);
      if (process && how < 6) model.crash(process, () => how % 2 === 0);
      break;
    }
    default: {
      const call = pick(model.calls.pending, which);
      const fate = pick(FATES, how);
      if (call && fate) await model.settle(call, fate);
    }
  }
  await model.untilIdle();
}

const moves = fc.array(
  // More answers than anything else, or nobody would get far.
  fc.record({ what: fc.nat({ max: 17 }), which: fc.nat({ max: 23 }), how: fc.nat({ max: 11 }) }),
  { minLength: 20, maxLength: 240, size: 'max' },
);

test('under any interleaving of two replicas of everybody, with crashes, lost answers, repetitions and hours that pass: the money is right, there is one end, and it comes', async () => {
  const ends = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      moves,
      fc.boolean(),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      async (series, declines, verdicts) => {
        let reviews = 0;
        const model = new PlatformModel(declines, () => verdicts[reviews++ % verdicts.length] ?? true);
        const invariants = new Invariants(model);
        for (const move of series) {
          await make(move, model);
          invariants.check();
        }
        await settle(model, invariants);
        invariants.checkAtRest();
        const end = `${model.order.status} ${model.names.join(' ')}`;
        ends.set(end, (ends.get(end) ?? 0) + 1);
      },
    ),
    { numRuns: Number(process.env['HEADWATER_MODEL_RUNS'] ?? 400) },
  );
  // A model in which nothing ever goes wrong would prove nothing.
  const seen = [...ends.keys()].join('\n');
  for (const name of [
    'approved',
    'rejected',
    'paymentdeclined',
    'cancelrequested',
    'voidrequested',
    'needsattention',
  ])
    expect(seen).toContain(name);
  expect(ends.size).toBeGreaterThan(20);
});

/** Calls that a worker makes for a message, with what becomes of the one at which it falls asleep. */
const WORST_MOMENTS: [worker: 'payment' | 'review' | 'coordinator', call: number, fate: Fate][] = (
  ['payment', 'review', 'coordinator'] as const
).flatMap((worker) =>
  [0, 1, 2, 3, 4].flatMap((call) =>
    (['answered', 'not executed', 'not answered'] as const).map((fate): [typeof worker, number, Fate] => [
      worker,
      call,
      fate,
    ]),
  ),
);

/** How often each did fall asleep: not every course has so many calls. */
const slept = new Map<string, number>();

describe.each([
  ['approved', true, false, false],
  ['rejected', false, false, false],
  ['declined', true, true, false],
  ['cancelled by the customer', true, false, true],
] as const)('an order that would be %s', (_name, approves, declines, cancels) => {
  test.each(WORST_MOMENTS)(
    'ends right when %s falls asleep for an hour before the answer to call %d, which is %s then',
    async (worker, sleepsAt, fate) => {
      const model = new PlatformModel(declines, () => approves);
      const invariants = new Invariants(model);
      const mine = () => model.calls.pending.filter(({ process }) => process === worker);
      let answered = 0;
      // The first replica works until it falls asleep, and everybody waits for it so long.
      for (let round = 0; round < 12 && answered < sleepsAt + 1; round++) {
        model.relay();
        model.recordDeadlines(Infinity);
        if (cancels && round === 1) model.cancel();
        for (const message of model.unacked)
          if (message.consumer === worker || round % 2 === 1) model.deliver(message, 0);
        for (const deadline of model.waiting) if (deadline.dueAt <= model.now) model.fire(deadline, 0);
        await model.untilIdle();
        for (let call = model.calls.pending[0]; call; call = model.calls.pending[0]) {
          if (call.process === worker && answered === sleepsAt) break;
          if (call.process === worker) answered++;
          await model.settle(call, 'answered');
          invariants.check();
        }
        if (mine().length > 0 && answered === sleepsAt) break;
        model.now += 500;
      }
      model.now += HOUR_MS;
      await settle(model, invariants, [worker]);
      // It wakes up, in the middle of what it was doing, and all that it does is late.
      if (mine().length > 0) slept.set(worker, (slept.get(worker) ?? 0) + 1);
      for (let call = mine()[0]; call; call = mine()[0]) {
        await model.settle(call, fate);
        invariants.check();
      }
      await settle(model, invariants);
      invariants.checkAtRest();
    },
  );
});

test('all of them have slept through something', () => {
  for (const worker of ['payment', 'review', 'coordinator'])
    expect(slept.get(worker) ?? 0).toBeGreaterThan(5);
});
