// A stage that is one command. It passes if the command exits with 0.
import { spawn } from 'node:child_process';
import { type Outcome, singleOutcome } from './outcome.ts';
import { ENDED_CHILDREN } from './processor-time.ts';

/** Lines of a failed command that are shown. */
const MAX_SHOWN_LINES = 60;

/**
 * Runs `node script args`. Returns its output if it fails. It is killed, and has failed, after `deadlineMs`. `onLine`
 * receives each line at once, for long runs.
 */
export async function runScript(
  script: string,
  args: string[],
  deadlineMs: number,
  onLine: (line: string) => void = () => {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  const lines: string[] = [];
  const take = (chunk: Buffer): void => {
    const fresh = chunk
      .toString()
      .split('\n')
      .filter((line) => line.trim() !== '');
    lines.push(...fresh);
    fresh.forEach(onLine);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (code, signal) => resolve([code, signal]));
  });
  const name = [script, ...args].join(' ');
  const costs = [{ name, processorMs: ENDED_CHILDREN.sinceLastMs() }];
  if (code === 0) return { ...singleOutcome(name, null), costs };
  const ending = signal === null ? `exit code ${code}` : `ended by ${signal} (limit ${deadlineMs / 1000} s)`;
  return { ...singleOutcome(name, [ending, ...lines.slice(-MAX_SHOWN_LINES)].join('\n')), costs };
}
