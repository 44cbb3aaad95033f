// Cost of the encryption stage beyond its cipher, by profile: sealing a body in the guest, without the host. Results
// are first verified by opening and by OpenSSL. Subjects take turns, and the least of each counts.
import { execFileSync } from 'node:child_process';
import { createDecipheriv, getRandomValues, randomBytes } from 'node:crypto';
import type { CipherGCMTypes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SIZES = [1024, 16_384];
const ALGORITHMS = ['SM4-GCM', 'AES-256-GCM', 'SM4-CBC-HMAC-SM3', 'SM4-CTR-HMAC-SM3'];
const PROFILES = ['fim-json', 'compact', 'raw', 'hex', 'base64'];
const ROUNDS = 60;
/** Approximate length of one round, µs. Short enough to fit between other work on the machine. */
const ROUND_MICROS = 1_500;
const MICROS_PER_MS = 1000;

type Guest = Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory };

function build(): Guest {
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-'));
  try {
    const file = join(folder, 'sealing.wasm');
    execFileSync(
      process.execPath,
      [
        'node_modules/assemblyscript/bin/asc.js',
        'bench/protection/sealing.module.ts',
        '-o',
        file,
        '--config',
        'asconfig.json',
        '--target',
        'release',
      ],
      { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    let guest: Guest;
    const random = (at: number, size: number): number => (
      getRandomValues(new Uint8Array(guest.memory.buffer, at, size)),
      0
    );
    const functions = new Proxy({}, { get: (_, name) => (name === 'random_get' ? random : () => 0) });
    guest = new WebAssembly.Instance(
      new WebAssembly.Module(readFileSync(file)),
      new Proxy({}, { get: () => functions }) as WebAssembly.Imports,
    ).exports as unknown as Guest;
    guest['_initialize']!();
    return guest;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const at = (guest: Guest, pointer: number, length: number): Buffer =>
  Buffer.from(new Uint8Array(guest.memory.buffer, pointer >>> 0, length));
const put = (guest: Guest, pointer: number, bytes: Buffer): void =>
  new Uint8Array(guest.memory.buffer, pointer >>> 0, bytes.length).set(bytes);

/** Seals and opens once; SM4-GCM in fim-json is opened by OpenSSL, too. Returns the message. */
function check(guest: Guest, algorithm: number, format: number, body: number, text: Buffer): Buffer {
  put(guest, body, text);
  const length = guest['seal']!(format, text.length, 1);
  const message = at(guest, guest['sealed']!(), length);
  put(guest, body, message);
  const opened = guest['open']!(format, message.length, 1);
  if (opened !== text.length || !at(guest, guest['opened']!(), opened).equals(text))
    throw new Error(`${ALGORITHMS[algorithm]} ${PROFILES[format]}: wrong result`);
  if (algorithm === 0 && format === 0) {
    const { kid, iv, ct, tag } = JSON.parse(message.toString()) as Record<string, string>;
    const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i + 1));
    const decipher = createDecipheriv('sm4-gcm' as CipherGCMTypes, key, Buffer.from(iv!, 'base64'), {
      authTagLength: 16,
    });
    decipher.setAAD(Buffer.from(`fim-json\nSM4-GCM\n${kid}\n`));
    decipher.setAuthTag(Buffer.from(tag!, 'base64'));
    if (!Buffer.concat([decipher.update(Buffer.from(ct!, 'base64')), decipher.final()]).equals(text))
      throw new Error('OpenSSL reads another text');
  }
  return message;
}

/** Least time of one call, µs, of each subject; they take turns. */
function measure(subjects: ((times: number) => void)[]): number[] {
  const times = subjects.map((run) => {
    run(20);
    const start = performance.now();
    run(20);
    return Math.max(1, Math.round((ROUND_MICROS * 20) / ((performance.now() - start) * MICROS_PER_MS)));
  });
  const least = subjects.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    subjects.forEach((run, i) => {
      const start = performance.now();
      run(times[i]!);
      least[i] = Math.min(least[i]!, ((performance.now() - start) * MICROS_PER_MS) / times[i]!);
    });
  }
  return least;
}

/** `npm run bench -- protection [--json FILE]`. */
export async function main(args: string[]): Promise<void> {
  const guest = build();
  const rows: Record<string, unknown>[] = [];
  for (const size of SIZES) {
    for (const [algorithm, name] of ALGORITHMS.entries()) {
      const body = guest['choose']!(algorithm, SIZES.at(-1)! * 3);
      const text = randomBytes(size);
      for (const format of PROFILES.keys()) check(guest, algorithm, format, body, text);
      put(guest, body, text);
      const [alone, ...stage] = measure([
        (times) => guest['cipher']!(size, times),
        ...PROFILES.map((_, format) => (times: number) => void guest['seal']!(format, size, times)),
      ]) as [number, ...number[]];
      rows.push({
        size,
        algorithm: name,
        cipherMicros: alone,
        seal: Object.fromEntries(PROFILES.map((profile, i) => [profile, stage[i]! / alone])),
      });
      console.log(
        `${String(size).padStart(7)} B  ${name.padEnd(17)} cipher ${alone.toFixed(1).padStart(7)} µs   sealing ÷ cipher: ${PROFILES.map((profile, i) => `${profile} ${(stage[i]! / alone).toFixed(2)}`).join('  ')}`,
      );
    }
  }
  const file = args[args.indexOf('--json') + 1];
  if (args.includes('--json') && file !== undefined) writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
}
