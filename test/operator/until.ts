import { setTimeout as pause } from 'node:timers/promises';

/** Waits until the condition returns a value, and returns it. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}`);
    await pause(10);
  }
}
