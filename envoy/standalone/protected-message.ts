// Reads the wire profiles of the sm4-encryptor to decrypt a message by hand. Written from its README, without shared
// code.
import { createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { CipherGCMTypes } from 'node:crypto';
import { CodedError } from './coded-error.ts';
import { sm2Scalar } from './sm2-key.ts';

/** `kms://path#version`. The message's sender chose it, so no part may lead out of the KMS's key path. */
const KID = /^kms:\/(?:\/(?!\.{1,2}[/#])[\w.-]+)+#[1-9]\d{0,8}$/;

const SIZES = {
  'SM4-GCM': { iv: 12, tag: 16, id: 1 },
  'AES-256-GCM': { iv: 12, tag: 16, id: 2 },
  'SM4-CBC-HMAC-SM3': { iv: 16, tag: 32, id: 3 },
  'SM4-CTR-HMAC-SM3': { iv: 16, tag: 32, id: 4 },
  'SM2-ENVELOPE': { iv: 12, tag: 16, id: 5 },
  SM2: { iv: 0, tag: 0, id: 6 },
  'SM4-CBC-UNAUTHENTICATED': { iv: 16, tag: 0, id: -1 },
  'SM4-ECB-UNAUTHENTICATED': { iv: 0, tag: 0, id: -1 },
} as const;
export type ProtectedAlgorithm = keyof typeof SIZES;
export const PROTECTED_ALGORITHMS = Object.keys(SIZES) as ProtectedAlgorithm[];

/** One sealed piece: the whole message, or a segment of it. */
interface Sealed {
  iv: Buffer;
  ct: Buffer;
  tag: Buffer;
  aad: Buffer;
}

/** A parsed message. */
export interface ProtectedMessage {
  algorithm: ProtectedAlgorithm;
  kid: string;
  /** Wrapped key: of SM2-ENVELOPE, or a data key wrapped by a transit engine. */
  wrapped: Buffer;
  pieces: Sealed[];
}

/** Parameters that a message of profile raw, hex or base64 does not carry. */
export interface MessageTerms {
  profile: 'raw' | 'hex' | 'base64';
  algorithm: ProtectedAlgorithm;
  kid: string;
}

const NONE = Buffer.alloc(0);

function refuse(why: string): never {
  throw new CodedError('FIM-UP-0018', why);
}

function algorithmOf(name: unknown): ProtectedAlgorithm {
  // No message names an algorithm without a tag.
  return (
    PROTECTED_ALGORITHMS.find((known) => known === name && SIZES[known].id >= 0) ??
    refuse('its algorithm is none of ours')
  );
}

function split(algorithm: ProtectedAlgorithm, whole: Buffer, aad: Buffer): Sealed {
  const { iv, tag } = SIZES[algorithm];
  if (whole.length < iv + tag) refuse('too short');
  return {
    iv: whole.subarray(0, iv),
    ct: whole.subarray(iv, whole.length - tag),
    tag: whole.subarray(whole.length - tag),
    aad,
  };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : refuse('not an object');
  } catch {
    return refuse('not JSON');
  }
}

function texts(from: Record<string, unknown>, names: readonly string[]): string[] {
  return names.map((name) =>
    typeof from[name] === 'string' ? (from[name] as string) : refuse(`\`${name}\` is missing`),
  );
}

function readFimJson(text: string): ProtectedMessage {
  const body = parseJson(text);
  const [alg, kid, iv, ct, tag] = texts(body, ['alg', 'kid', 'iv', 'ct', 'tag']) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const { ctx = '', cty, ek = '', edk } = body as Record<string, string | undefined>;
  const aad = Buffer.from(['fim-json', alg, kid, ctx, ...(cty === undefined ? [] : [cty])].join('\n'));
  const bytes = (value: string): Buffer => Buffer.from(value, 'base64');
  return {
    algorithm: algorithmOf(alg),
    kid,
    wrapped: edk === undefined ? bytes(ek) : Buffer.from(String(edk)),
    pieces: [{ iv: bytes(iv), ct: bytes(ct), tag: bytes(tag), aad }],
  };
}

function readCompact(text: string): ProtectedMessage {
  const parts = text.split('.');
  if (parts.length !== 5) refuse('not five parts');
  const header = parseJson(Buffer.from(parts[0]!, 'base64url').toString());
  const [alg, enc, kid] = texts(header, ['alg', 'enc', 'kid']) as [string, string, string];
  const [wrapped, iv, ct, tag] = parts.slice(1).map((part) => Buffer.from(part, 'base64url')) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const algorithm = alg === 'SM2' ? 'SM2-ENVELOPE' : enc === 'A256GCM' ? 'AES-256-GCM' : enc;
  return { algorithm: algorithmOf(algorithm), kid, wrapped, pieces: [{ iv, ct, tag, aad: Buffer.from(parts[0]!) }] };
}

function readSegmented(bytes: Buffer): ProtectedMessage {
  if (bytes.length < 34 || bytes[4] !== 1) refuse('not a header of this version');
  const algorithm =
    PROTECTED_ALGORITHMS.find((name) => SIZES[name].id === bytes[5]) ?? refuse('its algorithm is none of ours');
  const size = bytes.readUInt32BE(6);
  const ends = [0, 1, 2, 3].reduce<number[]>((at, i) => [...at, at[i]! + bytes.readUInt16BE(26 + 2 * i)], [34]);
  const end = ends[4]!;
  if (size === 0 || end > bytes.length) refuse('its header is damaged');
  const { iv, tag } = SIZES[algorithm];
  const whole = iv + tag + (algorithm === 'SM4-CBC-HMAC-SM3' ? (Math.floor(size / 16) + 1) * 16 : size);
  const pieces: Sealed[] = [];
  for (let at = end, index = 0; at < bytes.length || index === 0; at += whole, index++) {
    const place = Buffer.alloc(5);
    place.writeUInt32BE(index);
    place[4] = at + whole >= bytes.length ? 1 : 0;
    pieces.push(split(algorithm, bytes.subarray(at, at + whole), Buffer.concat([bytes.subarray(0, end), place])));
  }
  return { algorithm, kid: bytes.toString('utf8', 34, ends[1]), wrapped: bytes.subarray(ends[3], end), pieces };
}

/** Parses a message. Without `terms` it must describe itself: fim-json, compact or segmented. Error: FIM-UP-0018. */
export function readProtected(bytes: Buffer, terms?: MessageTerms): ProtectedMessage {
  let message: ProtectedMessage;
  if (terms !== undefined) {
    const whole = terms.profile === 'raw' ? bytes : Buffer.from(bytes.toString('latin1').trim(), terms.profile);
    message = {
      algorithm: terms.algorithm,
      kid: terms.kid,
      wrapped: NONE,
      pieces: [split(terms.algorithm, whole, NONE)],
    };
  } else if (bytes.toString('latin1', 0, 4) === 'FIMS') message = readSegmented(bytes);
  else if (/^\s*\{/.test(bytes.toString('latin1', 0, 100))) message = readFimJson(bytes.toString());
  else message = readCompact(bytes.toString().trim());
  if (!KID.test(message.kid)) refuse('its `kid` is not kms://path#version');
  return message;
}

const derived = (key: Buffer, info: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sm3', key, NONE, Buffer.from(info), bytes));

function openGcm(name: string, key: Buffer, { iv, ct, tag, aad }: Sealed): Buffer {
  const decipher = createDecipheriv(name as CipherGCMTypes, key, iv, { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

function openMac(algorithm: ProtectedAlgorithm, key: Buffer, { iv, ct, tag, aad }: Sealed): Buffer {
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(aad.length) * 8n);
  const code = createHmac('sm3', derived(key, `fim ${algorithm} mac`, 32))
    .update(aad)
    .update(iv)
    .update(ct)
    .update(bits)
    .digest();
  if (tag.length !== code.length || !timingSafeEqual(code, tag)) throw new Error('wrong code');
  const decipher = createDecipheriv(
    algorithm === 'SM4-CBC-HMAC-SM3' ? 'sm4-cbc' : 'sm4-ctr',
    derived(key, `fim ${algorithm} encrypt`, 16),
    iv,
  );
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

/** PKCS#7; nothing authenticates it. */
function openPlain(cipher: string, key: Buffer, iv: Buffer | null, ct: Buffer): Buffer {
  const decipher = createDecipheriv(cipher, key, iv);
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

function derValue(der: Buffer, at: number): { value: Buffer; end: number } {
  const first = der[at + 1]!;
  const count = first < 128 ? 0 : first & 127;
  const from = at + 2 + count;
  const length = count === 0 ? first : der.readUIntBE(at + 2, count);
  return { value: der.subarray(from, from + length), end: from + length };
}

/** Possible layouts of an SM2 ciphertext: C1 ‖ C3 ‖ C2 or C1 ‖ C2 ‖ C3. The message does not say which. */
function candidates(sealed: Buffer): { bytes: Buffer; mode: 0 | 1 }[] {
  const found: { bytes: Buffer; mode: 0 | 1 }[] = [];
  if (sealed[0] === 0x30) {
    try {
      const [x, y, c3, c2] = [0, 1, 2, 3].reduce<{ value: Buffer; end: number }[]>(
        (list, i) => [...list, derValue(derValue(sealed, 0).value, list[i - 1]?.end ?? 0)],
        [],
      );
      const coordinate = (value: Buffer): Buffer => Buffer.concat([Buffer.alloc(32), value]).subarray(-32);
      found.push({ bytes: Buffer.concat([coordinate(x!.value), coordinate(y!.value), c3!.value, c2!.value]), mode: 1 });
    } catch {
      // not DER
    }
  }
  for (const bytes of sealed[0] === 4 ? [sealed.subarray(1), sealed] : [sealed])
    found.push({ bytes, mode: 1 }, { bytes, mode: 0 });
  return found;
}

async function openSm2(key: Buffer, sealed: Buffer): Promise<Buffer> {
  const { sm2 } = await import('sm-crypto-v2');
  const scalar = sm2Scalar(key).toString('hex');
  for (const { bytes, mode } of candidates(sealed)) {
    try {
      const text = Buffer.from(sm2.doDecrypt(bytes.toString('hex'), scalar, mode, { output: 'array' }));
      if (text.length > 0) return text;
    } catch {
      continue;
    }
  }
  throw new Error('does not open');
}

/** Decrypts a message with its symmetric key. Error: FIM-UP-0019. */
export function openSymmetric({ algorithm, pieces, kid }: ProtectedMessage, key: Buffer): Buffer {
  try {
    const opened = pieces.map((piece) => {
      if (algorithm === 'SM4-CBC-HMAC-SM3' || algorithm === 'SM4-CTR-HMAC-SM3') return openMac(algorithm, key, piece);
      if (algorithm === 'SM4-CBC-UNAUTHENTICATED') return openPlain('sm4-cbc', key, piece.iv, piece.ct);
      if (algorithm === 'SM4-ECB-UNAUTHENTICATED') return openPlain('sm4-ecb', key, null, piece.ct);
      return openGcm(algorithm === 'AES-256-GCM' ? 'aes-256-gcm' : 'sm4-gcm', key, piece);
    });
    return Buffer.concat(opened);
  } catch {
    throw new CodedError('FIM-UP-0019', `key ${kid}`);
  }
}

/**
 * Decrypts a message with the key that the KMS has under its `kid`: 16 or 32 bytes, or an SM2 private key as PEM or
 * DER. Error: FIM-UP-0019.
 */
export async function openMessage(message: ProtectedMessage, key: Buffer): Promise<Buffer> {
  const { algorithm, wrapped, pieces, kid } = message;
  if (!algorithm.startsWith('SM2')) return openSymmetric(message, key);
  try {
    if (algorithm === 'SM2') return await openSm2(key, pieces[0]!.ct);
    const own = algorithm === 'SM2-ENVELOPE' ? await openSm2(key, wrapped) : key;
    return openSymmetric(message, own);
  } catch {
    throw new CodedError('FIM-UP-0019', `key ${kid}`);
  }
}
