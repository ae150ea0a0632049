import { GroupCommit, QueueFull } from './group-commit';

test('what arrives while a commit is under way shares the next one', async () => {
  const batches: number[][] = [];
  const group = new GroupCommit<number, number>(async (requests) => {
    batches.push(requests);
    await new Promise(setImmediate);
    return requests.map((request) => request * 2);
  });
  const first = group.submit(1);
  await new Promise(setImmediate);
  const others = [2, 3, 4].map((request) => group.submit(request));
  expect(await Promise.all([first, ...others])).toEqual([2, 4, 6, 8]);
  expect(batches).toEqual([[1], [2, 3, 4]]);
});

test('a commit that fails fails its own requests and no others', async () => {
  let fail = true;
  const group = new GroupCommit<number, number>((requests) => {
    if (!fail) return Promise.resolve(requests);
    fail = false;
    return Promise.reject(new Error('away'));
  });
  await expect(group.submit(1)).rejects.toThrow('away');
  await expect(group.submit(2)).resolves.toBe(2);
});

test('no more wait than may, and no batch is larger', async () => {
  const sizes: number[] = [];
  const group = new GroupCommit<number, number>(
    (requests) => {
      sizes.push(requests.length);
      return Promise.resolve(requests);
    },
    { batch: 2, waiting: 3 },
  );
  const taken = [1, 2, 3].map((request) => group.submit(request));
  await expect(group.submit(4)).rejects.toThrow(QueueFull);
  await Promise.all(taken);
  expect(sizes).toEqual([2, 1]);
});
