import { Condition, conditionOf, isTrue, removeCondition, setCondition } from './conditions';

const early = new Date('2026-01-01T00:00:00.900Z');
const late = new Date('2026-01-02T00:00:00.100Z');
const ready = {
  type: 'Ready',
  status: 'True' as const,
  reason: 'Applied',
  message: 'as declared',
  observedGeneration: 1,
};

describe('conditions', () => {
  const first = setCondition([], ready, early);

  test('have times in whole seconds', () => {
    expect(first).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }]);
  });

  test('move their time only with their status', () => {
    const other = setCondition(first, { ...ready, message: 'still', observedGeneration: 2 }, late);
    expect(other).toEqual([
      { ...ready, message: 'still', observedGeneration: 2, lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]);
    const turned = setCondition(other, { ...ready, status: 'False' }, late);
    expect(conditionOf(turned, 'Ready')?.lastTransitionTime).toBe('2026-01-02T00:00:00Z');
  });

  test('are the very same list when nothing differs', () => {
    expect(setCondition(first, { ...ready }, late)).toBe(first);
    expect(removeCondition(first, 'Drifted')).toBe(first);
  });

  test('keep their order, and lists that were given stay as they were', () => {
    const two = setCondition(first, { ...ready, type: 'Synced' }, early);
    const changed = setCondition(two, { ...ready, status: 'Unknown' }, late);
    expect(changed.map(({ type }) => type)).toEqual(['Ready', 'Synced']);
    expect(two.map(({ status }) => status)).toEqual(['True', 'True']);
    expect(removeCondition(two, 'Ready').map(({ type }) => type)).toEqual(['Synced']);
  });

  test('are true for a generation only when they were found for it or a later one', () => {
    expect(isTrue(first, 'Ready')).toBe(true);
    expect(isTrue(first, 'Ready', 1)).toBe(true);
    expect(isTrue(first, 'Ready', 2)).toBe(false);
    expect(isTrue(first, 'Synced')).toBe(false);
    const { observedGeneration: _none, ...rest } = ready;
    const without: Condition[] = [{ ...rest, lastTransitionTime: '' }];
    expect(isTrue(without, 'Ready', 1)).toBe(false);
  });
});
