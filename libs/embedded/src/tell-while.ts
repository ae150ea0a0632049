/** Tells every `everyMs` milliseconds, in whole seconds, how long `work` has been going on; settles as it does. */
export async function tellWhile<T>(
  work: Promise<T>,
  tell: (seconds: number) => void,
  everyMs = 10_000,
): Promise<T> {
  const started = Date.now();
  const timer = setInterval(() => tell(Math.round((Date.now() - started) / 1000)), everyMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
