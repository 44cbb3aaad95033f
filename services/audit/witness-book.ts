// A collector as the witness of other logs (C2SP tlog-witness with SM3 and SM2): it keeps the newest checkpoint of
// each, and signs a further one only if the log has grown from there.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { cosignatureLine, isSignedBy, readCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { type Digests, HASH_BYTES } from './digest.ts';
import { checkpointOf } from './log-folder.ts';
import { isConsistent } from './merkle.ts';
import type { KnownKey } from './seals.ts';
import type { Sm2Signer } from './sm2-signer.ts';

/** Path of a witness, after that of the collector. */
export const WITNESS_PATH = '/v1/witness/add-checkpoint';

const MAX_PROOF_LINES = 64;
const NAME_DIGITS = 32;

/** A log that is witnessed. */
export interface WitnessedLog {
  origin: string;
  keys: readonly KnownKey[];
}

export interface WitnessAnswer {
  status: number;
  type: string;
  body: string;
}

const answer = (status: number, body: string, type = 'text/plain'): WitnessAnswer => ({ status, body, type });

/** File in which a witness keeps the checkpoints of a log, one JSON line each, for `fim audit verify --checkpoint`. */
export function witnessedPath(folder: string, origin: string): string {
  const name = createHash('sha256').update(origin).digest('hex').slice(0, NAME_DIGITS);
  return join(folder, 'witnessed', `${name}.jsonl`);
}

export class WitnessBook {
  private readonly folder: string;
  private readonly digests: Digests;
  private readonly signer: Sm2Signer;
  private readonly now: () => number;
  private readonly logs = new Map<string, { keys: readonly KnownKey[]; last: SignedCheckpoint | null }>();

  /** Error: FIM-AUD-0031 (what it had kept cannot be read: it must not begin anew by itself). */
  constructor(folder: string, logs: readonly WitnessedLog[], signer: Sm2Signer, digests: Digests, now = Date.now) {
    this.folder = folder;
    this.digests = digests;
    this.signer = signer;
    this.now = now;
    for (const { origin, keys } of logs) this.logs.set(origin, { keys, last: this.read(origin) });
  }

  /** Sizes that are known, by the log. */
  get sizes(): Record<string, number> {
    return Object.fromEntries([...this.logs].map(([origin, { last }]) => [origin, last?.size ?? 0]));
  }

  /** Judges `old SIZE`, lines of a proof, a blank line and a checkpoint. What is answered with 200 is durable. */
  add(body: string): WitnessAnswer {
    const end = body.indexOf('\n\n');
    const [first = '', ...lines] = body.slice(0, Math.max(0, end)).split('\n');
    const old = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
    const note = body.slice(end + 2);
    const checkpoint = readCheckpoint(note);
    const proof = lines.map((line) => Buffer.from(line, 'base64'));
    const isProof = proof.every((hash, i) => hash.length === HASH_BYTES && hash.toString('base64') === lines[i]);
    if (old === undefined || checkpoint === null || lines.length > MAX_PROOF_LINES || !isProof)
      return answer(400, 'FIM-AUD-0032 not a checkpoint with its proof\n');
    const log = this.logs.get(checkpoint.origin);
    if (log === undefined) return answer(404, 'FIM-AUD-0032 the log is not one that is witnessed here\n');
    if (!log.keys.some(({ point }) => isSignedBy(checkpoint, checkpoint.origin, point)))
      return answer(403, 'FIM-AUD-0032 no signature of a known key\n');
    if (Number(old) > checkpoint.size) return answer(400, 'FIM-AUD-0032 the old size is larger than the new one\n');
    const known = log.last?.size ?? 0;
    if (Number(old) !== known) return answer(409, `${known}\n`, 'text/x.tlog.size');
    const grew = log.last === null || isConsistent(this.digests, log.last, checkpoint, proof);
    if (!grew) return answer(422, 'FIM-AUD-0032 the log has not grown from what was signed here\n');
    const line = cosignatureLine(checkpoint.text, this.signer, Math.floor(this.now() / 1_000));
    if (log.last === null || checkpoint.size > known) {
      this.keep(checkpoint.origin, `${note}${line}`);
      log.last = checkpoint;
    }
    return answer(200, line);
  }

  /** Durable when it returns. Throws what the disk says: then nothing was signed. */
  private keep(origin: string, note: string): void {
    const path = witnessedPath(this.folder, origin);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const isNew = !existsSync(path);
    const file = openSync(path, 'a', 0o600);
    try {
      appendFileSync(file, `${JSON.stringify({ note })}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (!isNew) return;
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  private read(origin: string): SignedCheckpoint | null {
    const path = witnessedPath(this.folder, origin);
    if (!existsSync(path)) return null;
    try {
      const text = readFileSync(path, 'utf8');
      const end = text.lastIndexOf('\n') + 1;
      // What a crash has left unfinished was never signed for anybody.
      if (end < text.length) truncateSync(path, Buffer.byteLength(text.slice(0, end)));
      const lines = text.slice(0, end).split('\n').slice(0, -1);
      if (lines.length === 0) return null;
      const last = checkpointOf(lines.at(-1)!);
      if (last === null || last.origin !== origin) throw new Error('its last line is no checkpoint of that log');
      return last;
    } catch (error) {
      throw new CodedError('FIM-AUD-0031', `${path}: ${messageOf(error)}`);
    }
  }
}
