// Instructions of Envoy's worker, counted by valgrind: the same figure whatever else the machine does. What the kernel
// does for a request is not in it.
import { execFile } from 'node:child_process';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DUMP = 'callgrind';
const DUMP_TIMEOUT_MS = 60_000;
const DUMP_POLL_MS = 500;

/** Command that Envoy runs under. Nothing is counted yet, so that it starts and warms up in tolerable time. */
export function countingCommand(folder: string): string[] {
  return [
    'valgrind',
    '--tool=callgrind',
    '--smc-check=all-non-file', // code that V8 compiles replaces other code
    '--instr-atstart=no',
    '--separate-threads=yes',
    `--callgrind-out-file=${join(folder, DUMP)}`,
    `--log-file=${join(folder, 'valgrind.log')}`,
  ];
}

/** Throws where valgrind is not installed. */
export async function requireValgrind(): Promise<void> {
  await run('valgrind', ['--version']).catch(() => {
    throw new Error('--instructions needs valgrind (package valgrind)');
  });
}

/** Counts what the busiest thread of the process runs during `work`. `settle` runs before it, under the counter. */
export async function countInstructions(
  pid: number,
  folder: string,
  settle: () => Promise<unknown>,
  work: () => Promise<unknown>,
): Promise<number> {
  const control = (...args: string[]): Promise<unknown> => run('callgrind_control', [...args, String(pid)]);
  await control('-i', 'on');
  await settle();
  await control('-z');
  await work();
  await control('-d');
  await control('-i', 'off');
  return takeDump(folder);
}

/** Largest total of the threads in a dump, which valgrind writes soon after it was asked for. Removes its files. */
async function takeDump(folder: string): Promise<number> {
  const deadline = Date.now() + DUMP_TIMEOUT_MS;
  for (let before = 0; ;) {
    await pause(DUMP_POLL_MS);
    const files = (await readdir(folder)).filter((file) => new RegExp(`^${DUMP}\\.\\d+-\\d+$`).test(file));
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    const totals = texts.flatMap((text) => /^totals: (\d+)$/m.exec(text)?.slice(1) ?? []).map(Number);
    if (totals.length > 0 && totals.length === files.length && files.length === before) {
      await Promise.all(files.map((file) => rm(join(folder, file))));
      return Math.max(...totals);
    }
    before = files.length;
    if (Date.now() > deadline) throw new Error('valgrind has not written what it counted');
  }
}
