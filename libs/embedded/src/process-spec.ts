/** How to start a program: what `spawn` needs, prepared and checked. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  /** Added to the environment of this process. */
  env?: Record<string, string>;
  cwd?: string;
  /** Run as this user instead of the present one. */
  uid?: number;
  gid?: number;
  /** Signal that ends it in order. */
  stopSignal: NodeJS.Signals;
}
