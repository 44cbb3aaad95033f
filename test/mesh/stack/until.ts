import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 60_000;
const POLL_MS = 25;

/** Endings of programs that were to run on. */
const losses: string[] = [];

/** A program of the stack has ended unasked: the file's output tells it, and every wait from now on fails with it. */
export function tellLoss(ending: string): void {
  losses.push(ending);
  process.stderr.write(`${ending}\n`);
}

/**
 * Asks until there is an answer other than undefined and false; `what` says in the error what was waited for. A
 * question that throws has no answer yet. `pollMs`: pause between questions, for those that cost something.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = DEADLINE_MS,
  pollMs = POLL_MS,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    if (losses.length > 0) throw new Fatal(`in vain: ${what}. ${losses.join('\n')}`);
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not in ${deadlineMs / 1000} s: ${what}${last instanceof Error ? ` (${last.message})` : ''}`);
    await pause(pollMs);
  }
}

/** Ends a wait at once: what is waited for cannot come any more. */
export class Fatal extends Error {}
