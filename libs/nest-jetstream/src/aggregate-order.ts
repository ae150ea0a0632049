/**
 * Keeps the messages of one aggregate one after another: the first is free to be handled, the others wait behind it
 * until it is released. Different aggregates know nothing of each other.
 */
export class AggregateOrder<Item> {
  private readonly lines = new Map<string, Item[]>();

  /** Puts an item at the end of its aggregate's line; true when it is the first and free to be handled. */
  join(aggregate: string, item: Item): boolean {
    const line = this.lines.get(aggregate);
    if (line) {
      line.push(item);
      return false;
    }
    this.lines.set(aggregate, [item]);
    return true;
  }

  /** Takes the first of a line away; returns the one that is free now. */
  release(aggregate: string): Item | undefined {
    const line = this.lines.get(aggregate);
    if (!line) return undefined;
    line.shift();
    if (line.length === 0) this.lines.delete(aggregate);
    return line[0];
  }

  /** The first of a line. */
  head(aggregate: string): Item | undefined {
    return this.lines.get(aggregate)?.[0];
  }

  clear(): void {
    this.lines.clear();
  }
}
