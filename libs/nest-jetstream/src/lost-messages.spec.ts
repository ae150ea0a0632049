import { RecordedEvent } from '@headwater/contracts';
import { missingAfter, readMissing } from './lost-messages';
import { recordedEvent } from '../test/fixture';

test.each([
  ['nothing dropped', 10, 5, undefined],
  ['dropped only what was acked', 10, 11, undefined],
  ['dropped more than was acked', 10, 15, { first: 11, last: 14 }],
  ['nothing acked yet, stream whole', 0, 1, undefined],
  ['nothing acked yet, stream purged', 0, 31, { first: 1, last: 30 }],
])('%s', (_case, floor, first, missing) => {
  expect(missingAfter(floor, first)).toEqual(missing);
});

test('reading stops at the end of what is missing', async () => {
  const positions: number[] = [];
  async function* log(_log: string, { after }: { after: number }): AsyncIterable<RecordedEvent[]> {
    for (let from = after + 1; ; from += 2) {
      yield [recordedEvent({ position: from }), recordedEvent({ position: from + 1 })];
    }
  }
  for await (const { position } of readMissing(log, 'ORDERS', { first: 4, last: 7 }, [])) {
    positions.push(position);
  }
  expect(positions).toEqual([4, 5, 6, 7]);
});
