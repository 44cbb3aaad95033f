import { readFile } from 'node:fs/promises';

/** Resident memory of a process, bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}
