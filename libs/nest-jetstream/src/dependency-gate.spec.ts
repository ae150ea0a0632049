import { DependencyGate } from './dependency-gate';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const away = { dependency: 'provider', reason: 'refused' };
const delays = { firstDelayMs: 100, maxDelayMs: 400 };
const enter = (gate: DependencyGate): number => {
  const pass = gate.enter();
  if (pass === undefined) throw new Error('the gate is closed');
  return pass;
};

test('a closed gate lets one probe through after the backoff, and its success opens it', () => {
  const changed = jest.fn();
  const gate = new DependencyGate(changed, delays);
  gate.unavailable(enter(gate), away);
  expect(gate.closed).toEqual(away);
  expect(gate.enter()).toBeUndefined();
  jest.advanceTimersByTime(100);
  const probe = enter(gate);
  expect(gate.enter()).toBeUndefined();
  gate.answered(probe);
  expect(gate.closed).toBeUndefined();
  expect(changed).toHaveBeenCalledTimes(3);
});

test('failures of what was under way when it closed do not lengthen the backoff, and successes do not open it', () => {
  const gate = new DependencyGate(() => undefined, delays);
  const passes = [enter(gate), enter(gate), enter(gate)];
  for (const pass of passes.slice(0, 2)) gate.unavailable(pass, away);
  gate.answered(passes[2]!);
  expect(gate.closed).toEqual(away);
  jest.advanceTimersByTime(100);
  expect(gate.enter()).toBeDefined();
});

test('every failed probe waits longer, up to the bound', () => {
  const gate = new DependencyGate(() => undefined, delays);
  gate.unavailable(enter(gate), away);
  for (const longest of [100, 200, 400, 400]) {
    jest.advanceTimersByTime(longest / 2 - 1);
    expect(gate.enter()).toBeUndefined();
    jest.advanceTimersByTime(longest / 2 + 1);
    gate.unavailable(enter(gate), away);
  }
  gate.stop();
  expect(jest.getTimerCount()).toBe(0);
});
