// Checkpoints: signed notes (C2SP signed-note and tlog-checkpoint) whose root is that of an SM3 tree, signed by SM2.
//
//   fim.audit/NAME
//   1024
//   <root, base64>
//   time 2026-11-30T08:00:00.000Z
//
//   — KEYNAME <base64 of 4 bytes of the key's hash ‖ signature in DER>
import { createHash } from 'node:crypto';
import { HASH_BYTES } from './digest.ts';
import type { TreeHead } from './merkle.ts';
import { type Sm2Signer, sm2Verifies } from './sm2-signer.ts';

/** A checkpoint without its signatures. */
export interface Checkpoint extends TreeHead {
  origin: string;
  /** The collector's clock, RFC 3339. */
  time: string;
}

/** One signature line. */
export interface NoteSignature {
  name: string;
  /** Hash of name and key, 8 hexadecimal digits. */
  keyHash: string;
  /** DER. */
  signature: Buffer;
}

/** A note as it was read. */
export interface SignedCheckpoint extends Checkpoint {
  /** The signed text. */
  text: string;
  signatures: NoteSignature[];
}

/** Signature type of notes for algorithms without a number of their own, and the name of this one. */
const TYPE = Buffer.concat([Buffer.from([0xff]), Buffer.from('SM2-SM3')]);
const ORIGIN = /^[\x21-\x2a\x2c-\x7e]{1,128}$/;
const SIGNATURE = /^— ([^\s+]{1,128}) ([A-Za-z0-9+/]+={0,2})$/;
const MAX_NOTE_CHARACTERS = 8_192;

/** Whether a text can name a log or a key. */
export function isOrigin(text: string): boolean {
  return ORIGIN.test(text);
}

/** Type of cosignatures: what a witness signs says when it saw the checkpoint (C2SP tlog-cosignature). */
const COSIGNATURE_TYPE = Buffer.concat([Buffer.from([0xff]), Buffer.from('SM2-SM3 cosignature/v1')]);
const TIME_BYTES = 8;

/** Four bytes of a hash of a key and its name, hexadecimal. `point`: 04 ‖ x ‖ y. */
export function keyHashOf(name: string, point: Buffer, type = TYPE): string {
  return createHash('sha256').update(`${name}\n`).update(type).update(point).digest('hex').slice(0, 8);
}

/** The text that is signed. */
export function checkpointText({ origin, size, root, time }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\ntime ${time}\n`;
}

/** A signature line for a note's text. */
export function signatureLine(text: string, signer: Sm2Signer): string {
  const signature = Buffer.concat([
    Buffer.from(keyHashOf(signer.name, signer.point), 'hex'),
    signer.sign(Buffer.from(text)),
  ]);
  return `— ${signer.name} ${signature.toString('base64')}\n`;
}

/** A whole note. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Sm2Signer): string {
  const text = checkpointText(checkpoint);
  return `${text}\n${signatureLine(text, signer)}`;
}

/** Reads a note; signatures are not checked. Null: it is none. */
export function readCheckpoint(note: string): SignedCheckpoint | null {
  const end = note.indexOf('\n\n');
  if (end < 0 || note.length > MAX_NOTE_CHARACTERS) return null;
  const text = note.slice(0, end + 1);
  const [origin = '', size = '', root = '', ...more] = text.split('\n');
  const time = more.find((line) => line.startsWith('time '))?.slice('time '.length) ?? '';
  const bytes = Buffer.from(root, 'base64');
  if (!isOrigin(origin) || !/^(0|[1-9]\d{0,15})$/.test(size) || bytes.length !== HASH_BYTES) return null;
  if (bytes.toString('base64') !== root) return null;
  const lines = note.slice(end + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0) return null;
  const signatures = lines.map(readSignature);
  if (signatures.some((signature) => signature === null)) return null;
  return { origin, size: Number(size), root: bytes, time, text, signatures: signatures as NoteSignature[] };
}

function readSignature(line: string): NoteSignature | null {
  const found = SIGNATURE.exec(line);
  const bytes = Buffer.from(found?.[2] ?? '', 'base64');
  if (found === null || bytes.length < 12) return null;
  return { name: found[1]!, keyHash: bytes.subarray(0, 4).toString('hex'), signature: bytes.subarray(4) };
}

/** Whether a note has a valid signature of that key. `point`: 04 ‖ x ‖ y. */
export function isSignedBy({ text, signatures }: SignedCheckpoint, name: string, point: Buffer): boolean {
  const keyHash = keyHashOf(name, point);
  return signatures.some(
    (one) => one.name === name && one.keyHash === keyHash && sm2Verifies(Buffer.from(text), one.signature, point),
  );
}

const cosigned = (text: string, seconds: number): Buffer => Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);

/** The line of a witness for a note's text. */
export function cosignatureLine(text: string, signer: Sm2Signer, seconds: number): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(seconds));
  const hash = Buffer.from(keyHashOf(signer.name, signer.point, COSIGNATURE_TYPE), 'hex');
  const bytes = Buffer.concat([hash, time, signer.sign(cosigned(text, seconds))]);
  return `— ${signer.name} ${bytes.toString('base64')}\n`;
}

/** When a witness with that key saw a note, seconds since 1970. Null: it did not sign it. `point`: 04 ‖ x ‖ y. */
export function cosignedAt({ text, signatures }: SignedCheckpoint, point: Buffer): number | null {
  for (const { name, keyHash, signature } of signatures) {
    if (signature.length <= TIME_BYTES || keyHash !== keyHashOf(name, point, COSIGNATURE_TYPE)) continue;
    const seconds = Number(signature.readBigUInt64BE());
    if (sm2Verifies(cosigned(text, seconds), signature.subarray(TIME_BYTES), point)) return seconds;
  }
  return null;
}

/** The note as it was read. */
export function noteOf({ text, signatures }: SignedCheckpoint): string {
  const lines = signatures.map(
    ({ name, keyHash, signature }) =>
      `— ${name} ${Buffer.concat([Buffer.from(keyHash, 'hex'), signature]).toString('base64')}\n`,
  );
  return `${text}\n${lines.join('')}`;
}
