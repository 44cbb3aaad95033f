// `fim release …`: what was in force in a running `fim up`, and the way back to it.
import type { KeptRelease } from '../../envoy/standalone/release-store.ts';
import { ask, socketOf } from './control.ts';

export interface ReleaseFlags {
  control?: string;
  json?: boolean;
}

interface Releases {
  current: string | null;
  held: string | null;
  releases: KeptRelease[];
}

/** Digits of a module's digest that are shown. */
const DIGITS = 12;

/** Prints the releases. Returns the exit status. Errors: FIM-UP-0061, FIM-UP-0062. */
export async function list(flags: ReleaseFlags): Promise<number> {
  const answer = await ask<Releases>(await socketOf(flags), 'GET', '/releases');
  if (flags.json) print(JSON.stringify(answer));
  else for (const release of answer.releases) print(lineOf(release, answer));
  return 0;
}

function lineOf({ id, atMs, routes, modules, left }: KeptRelease, { current, held }: Releases): string {
  const marks = [
    id === current ? 'in force' : '',
    id === held ? 'by command' : '',
    left === true ? 'left by a rollback' : '',
  ].filter(Boolean);
  const digests = Object.entries(modules).map(([name, sha256]) => `${name}.wasm ${sha256.slice(0, DIGITS)}`);
  const said = marks.length === 0 ? '' : `  ${marks.join(', ')}`;
  return `${id}  ${new Date(atMs).toISOString()}  ${routes.join(' ')}  ${digests.join(' ')}${said}`;
}

/** Goes back. Returns the exit status: 1 while it waits. Errors: FIM-UP-0061, FIM-UP-0062, FIM-UP-0170 to -0173. */
export async function rollback(id: string | undefined, flags: ReleaseFlags): Promise<number> {
  const path = `/releases/rollback${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;
  const answer = await ask<{ release: KeptRelease; inForce: boolean }>(await socketOf(flags), 'POST', path);
  const { release, inForce } = answer;
  if (flags.json) print(JSON.stringify(answer));
  else if (inForce) print(`release ${release.id} is in force again: ${release.routes.join(' ')}`);
  else print(`release ${release.id} waits for the key service; what was in force stays until then`);
  return inForce ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
