import { MoneyError, UndecodableEvent } from '@headwater/contracts';
import {
  EventStoreUnavailable,
  InvalidAppend,
  LogRefused,
  Overloaded,
  VersionConflict,
} from '@headwater/eventstore-client';
import { ImpossibleHistory } from '@headwater/order-domain';
import { classify } from './classify';

test.each([
  [new EventStoreUnavailable('away'), 'unavailable'],
  [new Overloaded('busy', 100), 'unavailable'],
  [new LogRefused('under repair'), 'unavailable'],
  [new InvalidAppend('no', 'data'), 'terminal'],
  [new UndecodableEvent('no'), 'terminal'],
  [new ImpossibleHistory('no'), 'terminal'],
  [new MoneyError('no'), 'terminal'],
  [new VersionConflict('late', 'o', '1', 2), undefined],
  [new TypeError('a bug'), undefined],
])('%s', (error, kind) => {
  expect(classify(error)?.kind).toBe(kind);
});
