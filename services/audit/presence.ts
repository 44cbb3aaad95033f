// Where the collector of a folder listens, for commands on the same machine.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Address of a running collector. */
export interface Presence {
  url: string;
  socket?: string;
  pid: number;
}

const pathOf = (folder: string): string => join(folder, 'collector.json');

export function notePresence(folder: string, presence: Presence): void {
  writeFileSync(pathOf(folder), `${JSON.stringify(presence)}\n`, { mode: 0o600 });
}

export function forgetPresence(folder: string): void {
  rmSync(pathOf(folder), { force: true });
}

/** The collector that wrote the note, which a kill leaves behind. Null: there is no note. */
export function readPresence(folder: string): Presence | null {
  try {
    const { url, socket, pid } = JSON.parse(readFileSync(pathOf(folder), 'utf8')) as Partial<Presence>;
    if (typeof url !== 'string' || !URL.canParse(url) || typeof pid !== 'number') return null;
    return { url, pid, ...(typeof socket === 'string' && { socket }) };
  } catch {
    return null;
  }
}
