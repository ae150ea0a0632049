import * as fc from 'fast-check';
import { KubernetesApiError } from './errors';
import { KubernetesObject } from './objects';
import { readWatch, WatchEvent } from './watch-stream';

const THING = { group: '', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };

async function* pieces(text: string, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  let from = 0;
  for (const cut of [...cuts, bytes.length]
    .map((each) => Math.min(each, bytes.length))
    .sort((a, b) => a - b)) {
    if (cut > from) yield bytes.subarray(from, cut);
    from = Math.max(from, cut);
  }
}

async function read(body: AsyncIterable<Buffer>): Promise<WatchEvent<KubernetesObject>[]> {
  const events: WatchEvent<KubernetesObject>[] = [];
  for await (const batch of readWatch(THING, body, 'watch things')) events.push(...batch);
  return events;
}

describe('a watch’s body', () => {
  test('reads the same however it is cut into pieces, also inside a character', async () => {
    const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 5 });
    const cuts = fc.array(fc.integer({ min: 0, max: 400 }));
    await fc.assert(
      fc.asyncProperty(names, cuts, async (given, at) => {
        const lines = given.map((name) => JSON.stringify({ type: 'ADDED', object: { metadata: { name } } }));
        const events = await read(pieces(lines.map((line) => `${line}\n`).join(''), at));
        expect(events.map((event) => (event.type === 'BOOKMARK' ? '' : event.object.metadata.name))).toEqual(
          given,
        );
      }),
    );
  });

  test('a line that the end of the connection cut off is no event', async () => {
    expect(await read(pieces('{"type":"ADDED","object":{"meta', []))).toEqual([]);
  });

  test('bookmarks carry a version', async () => {
    const line = '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n';
    expect(await read(pieces(line, []))).toEqual([{ type: 'BOOKMARK', resourceVersion: '7' }]);
  });

  test('an error in it is the error that the server meant', async () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    const reading = read(pieces(`${JSON.stringify({ type: 'ERROR', object: status })}\n`, []));
    const error: unknown = await reading.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KubernetesApiError);
    expect(error).toMatchObject({
      status: 410,
      reason: 'Expired',
      message: 'could not watch things: too old resource version (410 Expired)',
    });
  });
});
