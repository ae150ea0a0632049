/** More requests wait than may; nothing was done. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

interface Waiting<Request, Answer> {
  request: Request;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Collects what arrives while a commit is under way into the next one, so that a commit is shared by as many requests as
 * the load brings, and a lone request waits for nobody.
 */
export class GroupCommit<Request, Answer> {
  private waiting: Waiting<Request, Answer>[] = [];
  private running = false;

  /** @param commit answers requests in their order, all durable when it resolves */
  constructor(
    private readonly commit: (requests: Request[]) => Promise<Answer[]>,
    private readonly limits = { batch: 500, waiting: 10_000 },
  ) {}

  submit(request: Request): Promise<Answer> {
    if (this.waiting.length >= this.limits.waiting) {
      return Promise.reject(new QueueFull(`${this.waiting.length} requests wait for the ledger`));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      // Requests that are read from their sockets in this turn of the event loop still join.
      if (!this.running) setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.limits.batch);
      try {
        const answers = await this.commit(batch.map(({ request }) => request));
        for (const [index, { resolve, reject }] of batch.entries()) {
          const answer = answers[index];
          if (answer === undefined) reject(new Error('the commit has left a request without an answer'));
          else resolve(answer);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.running = false;
  }
}
