/** A signal that is kept until somebody waits for it, so that nothing is missed between two waits. */
export class Wake {
  private happened = false;
  private resume: (() => void) | undefined;

  up(): void {
    this.happened = true;
    this.resume?.();
  }

  /** Waits for the signal or the time, in milliseconds; true when it was the signal. */
  async within(ms: number): Promise<boolean> {
    if (!this.happened) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const { happened } = this;
    this.happened = false;
    this.resume = undefined;
    return happened;
  }
}
