// Where `fim up` keeps what outlives it.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const DIGITS = 16;

/** Folder of the state of a proxy that serves these files at this address. */
export function stateFolder(files: readonly string[], listen: string): string {
  const served = JSON.stringify([listen, ...files.map((file) => resolve(file)).sort()]);
  const name = createHash('sha256').update(served).digest('hex').slice(0, DIGITS);
  return join(statesFolder(), name);
}

/** Folder of the states of all proxies of this user. */
export function statesFolder(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'fim', 'up');
}
