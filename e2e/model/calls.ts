/** What becomes of a call over the network. */
export type Fate =
  | 'answered'
  /** It has never arrived. */
  | 'not executed'
  /** It was executed, and the answer got lost. */
  | 'not answered';

export interface Call {
  /** The process that waits for the answer. */
  process: string;
  what: string;
  settle(fate: Fate): void;
}

/** Calls under way between processes and servers. Nothing happens to one until the test says what. */
export class Calls {
  readonly pending: Call[] = [];

  /** @param outage the error that a caller sees when its call fails on the way */
  make<T>(process: string, what: string, execute: () => T, outage: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call: Call = {
        process,
        what,
        settle: (fate) => {
          this.pending.splice(this.pending.indexOf(call), 1);
          if (fate === 'not executed') return reject(outage());
          try {
            const result = execute();
            if (fate === 'answered') resolve(result);
            else reject(outage());
          } catch (error) {
            reject(fate === 'answered' ? error : outage());
          }
        },
      };
      this.pending.push(call);
    });
  }

  /** The process is gone: nobody hears the answers. Calls that are on their way may still be executed. */
  forget(process: string, arrived: (call: Call) => boolean): void {
    for (const call of this.pending.filter((one) => one.process === process)) {
      if (arrived(call)) call.settle('not answered');
      else this.pending.splice(this.pending.indexOf(call), 1);
    }
  }
}
