import { pullStatus } from './pull-status';

test.each([
  [100, 'Idle Heartbeat', 'alive'],
  [404, 'No Messages', 'over'],
  [408, 'Request Timeout', 'over'],
  [409, 'Message Size Exceeds MaxBytes', 'over'],
  [409, 'Batch Completed', 'over'],
  [409, 'Leadership Change', 'detached'],
  [409, 'Consumer Deleted', 'detached'],
  [409, 'Server Shutdown', 'detached'],
  [409, 'Exceeded MaxRequestBatch of 10', 'detached'],
  [503, '', 'detached'],
  [423, 'Nats-Wrong-Pin-Id', 'detached'],
] as const)('%i %s means %s', (code, description, kind) => {
  expect(pullStatus(code, description).kind).toBe(kind);
});
