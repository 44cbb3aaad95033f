// Where `fim up` keeps what outlives it, and where it listens for commands.
import { createHash } from 'node:crypto';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

const DIGITS = 16;

/** Folder of the state of a proxy that serves these files at this address. */
export function stateFolder(files: readonly string[], listen: string): string {
  const served = JSON.stringify([listen, ...files.map((file) => resolve(file)).sort()]);
  const name = createHash('sha256').update(served).digest('hex').slice(0, DIGITS);
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'fim', 'up', name);
}

/** Folder of the sockets of this user's proxies. */
export function controlFolder(): string {
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  return runtime ? join(runtime, 'fim') : join(tmpdir(), `fim-control-${userInfo().uid}`);
}

/** Socket on which the `fim up` of a process listens for commands. */
export function controlPath(pid: number): string {
  return join(controlFolder(), `${pid}.sock`);
}
