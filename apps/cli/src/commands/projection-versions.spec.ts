import { progress } from './projection-versions';

const at = (checkpoint: number, state: 'building' | 'ready' = 'building') => ({
  version: 2,
  checkpoint,
  state,
});

test('progress says how far, how fast and how long', () => {
  expect(progress(at(500), 2_000, 500)).toBe('version 2: 500 of 2000 (25 %), 500 events/s, 3 s left');
  expect(progress(at(500), 2_000, 0)).toBe('version 2: 500 of 2000 (25 %)');
  expect(progress(at(2_000, 'ready'), 2_000, 500)).toBe(
    'version 2: 2000 of 2000 (100 %), 500 events/s, ready',
  );
  // It may be ahead of what is read, and a log may be empty.
  expect(progress(at(2_010, 'ready'), 2_000, 0)).toBe('version 2: 2010 of 2010 (100 %), ready');
  expect(progress(at(0), 0, 0)).toBe('version 2: 0 of 0 (100 %)');
});
