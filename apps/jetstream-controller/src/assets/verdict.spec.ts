import type { Convergence } from '@headwater/jetstream-resources';
import { conditionOf } from '@headwater/kubernetes';
import { conditionsBy, disconnected, paused, stalled, verdictOf } from './verdict';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const converged: Convergence = {
  outcome: 'unchanged',
  reason: 'Converged',
  message: 'is as declared',
  fields: [],
  terminal: false,
};
const types = (conditions: readonly { type: string; status: string }[]) =>
  Object.fromEntries(conditions.map(({ type, status }) => [type, status]));

test('as declared: nothing abnormal is there', () => {
  const conditions = conditionsBy(verdictOf(converged), [], { generation: 1, now: at(0) });
  expect(types(conditions)).toEqual({ Ready: 'True', Synced: 'True', Drifted: 'False', Connected: 'True' });
});

test('the same again is the very same, so nothing is written', () => {
  const first = conditionsBy(verdictOf(converged), [], { generation: 1, now: at(0) });
  const second = conditionsBy(verdictOf({ ...converged, outcome: 'updated' }), first, {
    generation: 1,
    now: at(9),
  });
  expect(second).toEqual(first);
});

test('the time of a condition moves with its status only', () => {
  const first = conditionsBy(verdictOf(converged), [], { generation: 1, now: at(0) });
  const next = conditionsBy(verdictOf(converged), first, { generation: 2, now: at(9) });
  expect(conditionOf(next, 'Ready')).toMatchObject({
    observedGeneration: 2,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const lost = conditionsBy(disconnected('Unreachable', 'is away'), next, { generation: 2, now: at(20) });
  expect(conditionOf(lost, 'Ready')).toMatchObject({
    status: 'Unknown',
    lastTransitionTime: '2026-01-01T00:00:20Z',
  });
  expect(types(lost)).toMatchObject({ Connected: 'False', Reconciling: 'True' });
});

test('a terminal refusal is Stalled and names its fields; another is Reconciling', () => {
  const refused: Convergence = {
    outcome: 'refused',
    reason: 'ImmutableField',
    message: "can't be changed",
    fields: ['spec.storage'],
    terminal: true,
  };
  const told = conditionsBy(verdictOf(refused), [], { generation: 1, now: at(0) });
  expect(types(told)).toMatchObject({ Ready: 'False', Drifted: 'True', Stalled: 'True' });
  expect(conditionOf(told, 'Drifted')?.message).toContain('spec.storage');
  const waits = conditionsBy(verdictOf({ ...refused, terminal: false }), told, { generation: 1, now: at(1) });
  expect(types(waits)).toMatchObject({ Reconciling: 'True' });
  expect(conditionOf(waits, 'Stalled')).toBeUndefined();
});

test('Observe with a difference is Ready and not Synced', () => {
  const observed: Convergence = {
    ...converged,
    outcome: 'observed',
    reason: 'Drifted',
    message: 'differs',
    fields: ['spec.maxMsgs'],
  };
  const told = conditionsBy(verdictOf(observed), [], { generation: 1, now: at(0) });
  expect(types(told)).toEqual({ Ready: 'True', Synced: 'False', Drifted: 'True', Connected: 'True' });
});

test('paused keeps what was known of readiness', () => {
  const before = conditionsBy(verdictOf(converged), [], { generation: 1, now: at(0) });
  const told = conditionsBy(paused(before), before, { generation: 1, now: at(5) });
  expect(types(told)).toMatchObject({ Ready: 'True', Synced: 'Unknown' });
  const never = conditionsBy(paused([]), [], { generation: 1, now: at(5) });
  expect(types(never)).toMatchObject({ Ready: 'Unknown' });
});

test('what is to be acknowledged is said until it is not', () => {
  const context = { generation: 1, now: at(0) };
  const told = conditionsBy(verdictOf(converged), [], { ...context, recreated: 'is empty' });
  expect(conditionOf(told, 'Recreated')?.message).toBe('is empty');
  expect(conditionOf(conditionsBy(stalled('X', 'y'), told, context), 'Recreated')).toBeUndefined();
});
