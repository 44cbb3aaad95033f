// Peers outside this process. Each is a small driver program that reads lines and answers lines:
//   offers                          → names of operations, separated by spaces
//   digest OPERATION SIZE           → SHA-256 of the output, hex
//   rate OPERATION SIZE MILLISECONDS → operations a second, the best slice
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Subject } from './subject.ts';

/**
 * Source of subjects. `open` installs or builds its needs under `cache` and throws an error that names what is missing.
 */
export interface Peer {
  name: string;
  open(cache: string): Promise<Subject[]>;
}

/** Longest that a peer may take to install or build, milliseconds. */
const TOOL_LIMIT = 900_000;

/** Runs a tool to its end; throws with the last line that it wrote. */
export function runTool(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const run = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: TOOL_LIMIT,
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (run.error) throw new Error(`${command}: ${run.error.message}`);
  if (run.status !== 0) throw new Error(`${command}: ${(run.stderr || run.stdout).trim().split('\n').at(-1)}`);
  return run.stdout.trim();
}

/** A driver program as a subject. */
export async function driverSubject(name: string, command: string, args: string[]): Promise<Subject> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`driver ended with ${code}`)));
  });
  failed.catch(() => {});
  const ask = async (request: string): Promise<string> => {
    child.stdin.write(`${request}\n`);
    const answer = await Promise.race([lines.next(), failed]);
    if (answer.done) throw new Error('driver closed its output');
    return answer.value;
  };
  const offered = new Set((await ask('offers')).split(' '));
  return {
    name,
    offers: (operation) => offered.has(operation),
    digest: (operation, size) => ask(`digest ${operation} ${size}`),
    rate: async (operation, size, milliseconds) => Number(await ask(`rate ${operation} ${size} ${milliseconds}`)),
    close: () => child.stdin.end(),
  };
}
