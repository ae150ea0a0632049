import { forbiddenConstruct } from './sql-forbidden';

test.each([
  ['SELECT pg_advisory_xact_lock(1)'],
  ['SELECT * FROM t FOR UPDATE SKIP LOCKED'],
  ['LISTEN x'],
  ["SELECT pg_notify('x', '')"],
  ['CREATE TABLE t (id bigserial)'],
  ["SELECT nextval('s')"],
  ['SELECT unnest($1::jsonb[])'],
  ['SELECT pg_current_xact_id()'],
  ['CREATE TRIGGER t BEFORE INSERT ON x EXECUTE FUNCTION f()'],
  ['CREATE EXTENSION pgcrypto'],
  ['BEGIN; CREATE TABLE a (id int8); COMMIT'],
  ['CREATE TABLE a (id int8); CREATE TABLE b (id int8)'],
  ['WITH a AS (INSERT INTO t VALUES (1)) UPDATE t SET id = 2'],
])('%s is refused', (sql) => {
  expect(forbiddenConstruct(sql)).toBeDefined();
});

test.each([
  ["SELECT 'skip locked, nextval, listen'"],
  ['CREATE TABLE IF NOT EXISTS a (id int8)'],
  ['INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2'],
  ['WITH a AS (INSERT INTO t VALUES (1)) INSERT INTO u VALUES (1)'],
  ['BEGIN; UPDATE t SET id = 1'],
])('%s passes', (sql) => {
  expect(forbiddenConstruct(sql)).toBeUndefined();
});

test('DDL inside an open transaction is refused', () => {
  expect(forbiddenConstruct('CREATE TABLE a (id int8)', true)).toBeDefined();
});
