// Turns masked values back, with OpenSSL: tokens, and values that FF1 enciphered. Shares no code with the modules.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { MAX_UNMASK_CHARACTERS } from '../limits.ts';
import { CodedError } from './coded-error.ts';
import type { KmsAccess } from './kms-client.ts';
import { fetchKey } from './open-protected.ts';

/** How a value was masked. `key` of FF1 names its version: `kms://path#2`. */
export interface UnmaskTerms {
  key: string;
  algorithm: UnmaskAlgorithm;
  tweak?: string;
  alphabet?: 'Digits' | 'Upper' | 'Letters';
  check?: 'None' | 'Luhn' | 'IdCard';
  keepFirst?: number;
  keepLast?: number;
}

export const UNMASK_ALGORITHMS = ['SM4-GCM', 'AES-256-GCM', 'FF1-SM4', 'FF1-AES-256'] as const;
export type UnmaskAlgorithm = (typeof UNMASK_ALGORITHMS)[number];

const PREFIX = 'fimt1.';
const AAD = 'fim mask token';
const VERSION_BYTES = 4;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const RADIX = { Digits: 10, Upper: 36, Letters: 62 };
const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MIN_DOMAIN = 1_000_000;
const ROUNDS = 10;
const BLOCK_BYTES = 16;

/** A masked value's kind, and the key with its version. Error: FIM-UP-0051 (it is no such value). */
export function readMasked(value: string, terms: UnmaskTerms): { kind: 'Token' | 'FormatPreserving'; key: string } {
  const [id = '', version] = terms.key.split('#');
  if (value.length === 0 || value.length > MAX_UNMASK_CHARACTERS) throw new CodedError('FIM-UP-0051', 'its length');
  if (terms.algorithm.startsWith('FF1')) {
    if (version === undefined || !/^[1-9][0-9]{0,9}$/.test(version))
      throw new CodedError('FIM-UP-0020', '--key of FF1 names the version, kms://path#1: the value does not');
    return { kind: 'FormatPreserving', key: terms.key };
  }
  const bytes = tokenBytes(value);
  const named = String(bytes.readUInt32BE(0));
  if (version !== undefined && version !== named)
    throw new CodedError('FIM-UP-0051', `it is under version ${named} of its key`);
  return { kind: 'Token', key: `${id}#${named}` };
}

/**
 * The value behind a masked one. Errors: FIM-UP-0051 (it does not open, or is of another form), and those of `fetchKey`.
 */
export async function unmask(value: string, terms: UnmaskTerms, access: KmsAccess): Promise<string> {
  const { kind, key } = readMasked(value, terms);
  const material = await fetchKey(key, access, terms.algorithm.includes('SM4') ? 'SM4' : 'AES-256');
  try {
    return kind === 'Token'
      ? openToken(tokenBytes(value), terms.algorithm, material)
      : decipher(value, terms, material);
  } finally {
    material.fill(0);
  }
}

function tokenBytes(value: string): Buffer {
  const text = value.slice(PREFIX.length);
  const bytes = Buffer.from(text, 'base64url');
  if (!value.startsWith(PREFIX) || bytes.toString('base64url') !== text)
    throw new CodedError('FIM-UP-0051', `a token is ${PREFIX} and base64url`);
  if (bytes.length <= VERSION_BYTES + IV_BYTES + TAG_BYTES) throw new CodedError('FIM-UP-0051', 'it is too short');
  return bytes;
}

function openToken(bytes: Buffer, algorithm: UnmaskAlgorithm, key: Buffer): string {
  const sealed = VERSION_BYTES + IV_BYTES;
  const name = algorithm === 'SM4-GCM' ? 'sm4-gcm' : 'aes-256-gcm';
  try {
    const cipher = createDecipheriv(name as 'aes-256-gcm', key, bytes.subarray(VERSION_BYTES, sealed), {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(Buffer.from(AAD));
    cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([cipher.update(bytes.subarray(sealed, -TAG_BYTES)), cipher.final()]).toString('utf8');
  } catch {
    throw new CodedError('FIM-UP-0051', 'key, version or algorithm are others, or it was changed');
  }
}

function decipher(value: string, terms: UnmaskTerms, key: Buffer): string {
  const { alphabet = 'Digits', check = 'None', keepFirst = 0, keepLast = 0, tweak = '' } = terms;
  const radix = RADIX[alphabet];
  const isIn = (character: string): boolean => {
    const at = CHARACTERS.indexOf(character);
    return at >= 0 && at < radix;
  };
  const body = [...(check === 'None' ? value : value.slice(0, -1))];
  const places = body.flatMap((character, at) => (isIn(character) ? [at] : []));
  const inside = places.slice(keepFirst, places.length - keepLast);
  if (body.some((character) => !isIn(character) && !/^[\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$/.test(character)))
    throw new CodedError('FIM-UP-0051', 'it has characters that are not of the alphabet');
  if (inside.length < 2 || radix ** inside.length < MIN_DOMAIN)
    throw new CodedError('FIM-UP-0051', 'so short a value was hidden whole');
  const numerals = inside.map((at) => CHARACTERS.indexOf(body[at]!));
  const plain = ff1Decrypt(numerals, radix, Buffer.from(tweak), key, terms.algorithm === 'FF1-SM4');
  inside.forEach((at, i) => (body[at] = CHARACTERS[plain[i]!]!));
  const text = body.join('');
  return check === 'None' ? text : text + (check === 'Luhn' ? luhnDigit(text) : idCharacter(text));
}

const modulo = (a: bigint, m: bigint): bigint => ((a % m) + m) % m;

function numberOf(numerals: readonly number[], radix: number): bigint {
  return numerals.reduce((sum, numeral) => sum * BigInt(radix) + BigInt(numeral), 0n);
}

function numeralsOf(value: bigint, radix: number, count: number): number[] {
  const made: number[] = [];
  for (let i = 0; i < count; i++, value /= BigInt(radix)) made.unshift(Number(value % BigInt(radix)));
  return made;
}

function bytesOf(value: bigint, count: number): Buffer {
  return Buffer.from(
    value
      .toString(16)
      .padStart(count * 2, '0')
      .slice(-count * 2),
    'hex',
  );
}

/** FF1 of SP 800-38G, algorithm 8. */
function ff1Decrypt(x: readonly number[], radix: number, tweak: Buffer, key: Buffer, isSm4: boolean): number[] {
  const block = (input: Buffer): Buffer => {
    const cipher = createCipheriv(isSm4 ? 'sm4-ecb' : 'aes-256-ecb', key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(input), cipher.final()]);
  };
  const n = x.length;
  const u = Math.floor(n / 2);
  const v = n - u;
  const b = Math.ceil(Math.ceil(v * Math.log2(radix)) / 8);
  const d = 4 * Math.ceil(b / 4) + 4;
  const head = Buffer.from([1, 2, 1, 0, 0, radix, ROUNDS, u & 255, 0, 0, 0, n, 0, 0, 0, tweak.length]);
  let [left, right] = [x.slice(0, u), x.slice(u)];
  for (let round = ROUNDS - 1; round >= 0; round--) {
    const padding = Buffer.alloc((((-tweak.length - b - 1) % BLOCK_BYTES) + BLOCK_BYTES) % BLOCK_BYTES);
    const q = Buffer.concat([tweak, padding, Buffer.from([round]), bytesOf(numberOf(left, radix), b)]);
    let r = block(head);
    for (let at = 0; at < q.length; at += BLOCK_BYTES) r = block(Buffer.from(r.map((byte, i) => byte ^ q[at + i]!)));
    const parts = [r];
    for (let j = 1; j * BLOCK_BYTES < d; j++) {
      const counter = bytesOf(BigInt(j), BLOCK_BYTES);
      parts.push(block(Buffer.from(r.map((byte, i) => byte ^ counter[i]!))));
    }
    const y = BigInt(`0x${Buffer.concat(parts).subarray(0, d).toString('hex')}`);
    const m = round % 2 === 0 ? u : v;
    const c = modulo(numberOf(right, radix) - y, BigInt(radix) ** BigInt(m));
    [left, right] = [numeralsOf(c, radix, m), left];
  }
  return [...left, ...right];
}

function luhnDigit(text: string): string {
  const sum = [...text].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return String((10 - (sum % 10)) % 10);
}

function idCharacter(text: string): string {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  return '10X98765432'[weights.reduce((sum, weight, i) => sum + weight * Number(text[i]), 0) % 11]!;
}
