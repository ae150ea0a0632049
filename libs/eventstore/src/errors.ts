/** A request the store will never take; `field` is named as on the wire, such as `aggregates[0].events[1].event_type`. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';

  constructor(
    readonly field: string,
    /** What is wrong with it, to be read after its name. */
    readonly fault: string,
  ) {
    super(`${field} ${fault}`);
  }
}

/** An aggregate is not at the version that was expected. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';

  constructor(
    readonly aggregateId: string,
    readonly expected: string,
    readonly actual: number,
  ) {
    super(`the aggregate ${aggregateId} is at version ${actual}, expected was ${expected}`);
  }
}

/** An event id is taken by another event, or only a part of the append is stored. */
export class EventIdClash extends Error {
  override readonly name = 'EventIdClash';

  constructor(
    readonly eventId: string,
    readonly log: string,
    readonly position: number,
    what: string,
  ) {
    super(`the event id ${eventId} is stored at position ${position} of ${log} ${what}`);
  }
}

export class UnknownLog extends Error {
  override readonly name = 'UnknownLog';

  constructor(readonly log: string) {
    super(`no log named ${JSON.stringify(log.slice(0, 128))} is declared here`);
  }
}

/** Nothing may be appended to the log until it has been repaired or compared. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused';

  constructor(
    readonly log: string,
    readonly reason: string,
  ) {
    super(`appends to ${log} are refused: ${reason}`);
  }
}

/** More appends wait than may. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';

  constructor(
    readonly log: string,
    readonly retryAfterMs: number,
  ) {
    super(`too many appends to ${log} wait; try again in ${retryAfterMs} ms`);
  }
}

/** SQL can't serve now. An append may have happened: the same events again get the first result. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(cause: unknown) {
    super('the event store has no database now', { cause });
  }
}

/** The log in SQL is not what every append leaves behind. Never skipped over. */
export class LogDamaged extends Error {
  override readonly name = 'LogDamaged';

  constructor(log: string, after: number, what: string) {
    super(`the log ${log} is damaged after position ${after}: ${what}`);
  }
}
