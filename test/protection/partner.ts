// A counterparty of FIM with every algorithm and wire profile, written from the README alone with OpenSSL (node:crypto)
// and sm-crypto-v2. It shares no code with the filter. Field order, base64 and JSON are Node's own.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { CipherGCM, CipherGCMTypes, DecipherGCM } from 'node:crypto';
import { sm2 } from 'sm-crypto-v2';

export const ALGORITHMS = [
  'SM4-GCM',
  'AES-256-GCM',
  'SM4-CBC-HMAC-SM3',
  'SM4-CTR-HMAC-SM3',
  'SM2-ENVELOPE',
  'SM2',
] as const;
export const PROFILES = ['fim-json', 'compact', 'raw', 'hex', 'base64', 'segmented'] as const;
export const LAYOUTS = ['ASN1', 'C1C3C2', 'C1C2C3', 'C1C3C2-Bare', 'C1C2C3-Bare'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];
export type Profile = (typeof PROFILES)[number];
export type Layout = (typeof LAYOUTS)[number];

/** Profiles that can carry each algorithm. */
export function goesWith(algorithm: Algorithm, profile: Profile): boolean {
  const plain = ['raw', 'hex', 'base64'].includes(profile);
  return algorithm === 'SM2' ? plain : algorithm !== 'SM2-ENVELOPE' || !plain;
}

/** Terms that both sides agreed on. */
export interface Terms {
  algorithm: Algorithm;
  profile: Profile;
  /** `kms://path#version`. */
  kid: string;
  context?: string;
  layout?: Layout;
  segmentBytes?: number;
  /** 16 bytes of SM4, 32 of AES-256; for SM2 the private key's 32 bytes. */
  key: Buffer;
}

/** Anything but a genuine message of the agreed form. */
export class Refused extends Error {}

interface Sealed {
  iv: Buffer;
  ct: Buffer;
  tag: Buffer;
}

const SIZES: Record<Algorithm, { iv: number; tag: number; id: number }> = {
  'SM4-GCM': { iv: 12, tag: 16, id: 1 },
  'AES-256-GCM': { iv: 12, tag: 16, id: 2 },
  'SM4-CBC-HMAC-SM3': { iv: 16, tag: 32, id: 3 },
  'SM4-CTR-HMAC-SM3': { iv: 16, tag: 32, id: 4 },
  'SM2-ENVELOPE': { iv: 12, tag: 16, id: 5 },
  SM2: { iv: 0, tag: 0, id: 6 },
};
const NONE = Buffer.alloc(0);

function gcm(name: string, key: Buffer, iv: Buffer, aad: Buffer, text: Buffer): Sealed {
  const cipher = createCipheriv(name as CipherGCMTypes, key, iv, { authTagLength: 16 }) as CipherGCM;
  cipher.setAAD(aad);
  const ct = Buffer.concat([cipher.update(text), cipher.final()]);
  return { iv, ct, tag: cipher.getAuthTag() };
}

function openGcm(name: string, key: Buffer, { iv, ct, tag }: Sealed, aad: Buffer): Buffer {
  const decipher = createDecipheriv(name as CipherGCMTypes, key, iv, { authTagLength: 16 }) as DecipherGCM;
  decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(ct), decipher.final()]);
  } catch {
    throw new Refused('tag');
  }
}

const derived = (key: Buffer, info: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sm3', key, NONE, Buffer.from(info), bytes));

function mac(algorithm: Algorithm, key: Buffer, aad: Buffer, iv: Buffer, ct: Buffer): Buffer {
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(aad.length) * 8n);
  return createHmac('sm3', derived(key, `fim ${algorithm} mac`, 32))
    .update(aad)
    .update(iv)
    .update(ct)
    .update(bits)
    .digest();
}

/** Public key 04 ‖ x ‖ y of a private key. */
export function publicOf(key: Buffer): string {
  return sm2.getPublicKeyFromPrivateKey(key.toString('hex'));
}

function derNumber(bytes: Buffer): Buffer {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const body = bytes[at]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes.subarray(at)]) : bytes.subarray(at);
  return Buffer.concat([Buffer.of(2, body.length), body]);
}

function derHeader(tag: number, length: number): Buffer {
  if (length < 128) return Buffer.of(tag, length);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xffff ? 6 : length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes]);
}

/** SM2 encryption by sm-crypto-v2, put into a layout. */
export function sm2Seal(key: Buffer, text: Buffer, layout: Layout): Buffer {
  const mode = layout.startsWith('C1C2C3') ? 0 : 1;
  let bare: Buffer;
  // GB/T 32918.4, 6.1, A5: a key stream of zeros is not used. sm-crypto does not look, and of one byte it makes it once
  // in 256 times.
  do bare = Buffer.from(sm2.doEncrypt(Uint8Array.from(text), publicOf(key), mode) as string, 'hex');
  while (text.length > 0 && (mode === 0 ? bare.subarray(64, -32) : bare.subarray(96)).equals(text));
  if (layout.endsWith('Bare')) return bare;
  if (layout !== 'ASN1') return Buffer.concat([Buffer.of(4), bare]);
  const c2 = bare.subarray(96);
  const body = Buffer.concat([
    derNumber(bare.subarray(0, 32)),
    derNumber(bare.subarray(32, 64)),
    derHeader(4, 32),
    bare.subarray(64, 96),
    derHeader(4, c2.length),
    c2,
  ]);
  return Buffer.concat([derHeader(0x30, body.length), body]);
}

function derRead(der: Buffer, at: number): { body: Buffer; end: number } {
  const first = der[at + 1] ?? 0;
  const count = first < 128 ? 0 : first & 127;
  const length = count === 0 ? first : der.readUIntBE(at + 2, count);
  const from = at + 2 + count;
  return { body: der.subarray(from, from + length), end: from + length };
}

/** The parts of a ciphertext in GM/T 0009 as C1 ‖ C3 ‖ C2. */
function bareOf(der: Buffer): Buffer {
  const outer = derRead(der, 0).body;
  const x = derRead(outer, 0);
  const y = derRead(outer, x.end);
  const c3 = derRead(outer, y.end);
  const c2 = derRead(outer, c3.end);
  const coordinate = (bytes: Buffer): Buffer => Buffer.concat([Buffer.alloc(32), bytes]).subarray(-32);
  return Buffer.concat([coordinate(x.body), coordinate(y.body), c3.body, c2.body]);
}

export function sm2Open(key: Buffer, sealed: Buffer, layout: Layout): Buffer {
  const bare = layout === 'ASN1' ? bareOf(sealed) : layout.endsWith('Bare') ? sealed : sealed.subarray(1);
  const text = sm2.doDecrypt(bare.toString('hex'), key.toString('hex'), layout.startsWith('C1C2C3') ? 0 : 1, {
    output: 'array',
  });
  if (text.length === 0) throw new Refused('SM2');
  return Buffer.from(text);
}

/** The cipher under the key of one message. */
function seal(terms: Terms, key: Buffer, aad: Buffer, text: Buffer): Sealed {
  switch (terms.algorithm) {
    case 'AES-256-GCM':
      return gcm('aes-256-gcm', key, randomBytes(12), aad, text);
    case 'SM4-CBC-HMAC-SM3':
    case 'SM4-CTR-HMAC-SM3': {
      const iv = randomBytes(16);
      const cipher = createCipheriv(
        terms.algorithm === 'SM4-CBC-HMAC-SM3' ? 'sm4-cbc' : 'sm4-ctr',
        derived(key, `fim ${terms.algorithm} encrypt`, 16),
        iv,
      );
      const ct = Buffer.concat([cipher.update(text), cipher.final()]);
      return { iv, ct, tag: mac(terms.algorithm, key, aad, iv, ct) };
    }
    case 'SM2':
      return { iv: NONE, ct: sm2Seal(key, text, terms.layout ?? 'ASN1'), tag: NONE };
    default:
      return gcm('sm4-gcm', key, randomBytes(12), aad, text);
  }
}

function open(terms: Terms, key: Buffer, aad: Buffer, sealed: Sealed): Buffer {
  const { algorithm } = terms;
  const sizes = SIZES[algorithm];
  if (sealed.iv.length !== sizes.iv || sealed.tag.length !== sizes.tag) throw new Refused('sizes');
  switch (algorithm) {
    case 'AES-256-GCM':
      return openGcm('aes-256-gcm', key, sealed, aad);
    case 'SM4-CBC-HMAC-SM3':
    case 'SM4-CTR-HMAC-SM3': {
      if (!timingSafeEqual(mac(algorithm, key, aad, sealed.iv, sealed.ct), sealed.tag)) throw new Refused('code');
      const decipher = createDecipheriv(
        algorithm === 'SM4-CBC-HMAC-SM3' ? 'sm4-cbc' : 'sm4-ctr',
        derived(key, `fim ${algorithm} encrypt`, 16),
        sealed.iv,
      );
      return Buffer.concat([decipher.update(sealed.ct), decipher.final()]);
    }
    case 'SM2':
      return sm2Open(key, sealed.ct, terms.layout ?? 'ASN1');
    default:
      return openGcm('sm4-gcm', key, sealed, aad);
  }
}

const layoutOf = (terms: Terms): Layout => terms.layout ?? 'ASN1';
const wraps = (terms: Terms): boolean => terms.algorithm === 'SM2-ENVELOPE';
const jsonAad = (terms: Terms, type?: string): Buffer =>
  Buffer.from(
    ['fim-json', terms.algorithm, terms.kid, terms.context ?? '', ...(type === undefined ? [] : [type])].join('\n'),
  );

function compactHeader(terms: Terms, type?: string): string {
  const { algorithm, kid, context } = terms;
  const enc = algorithm === 'AES-256-GCM' ? 'A256GCM' : wraps(terms) ? 'SM4-GCM' : algorithm;
  const header = {
    alg: wraps(terms) ? 'SM2' : 'dir',
    enc,
    kid,
    typ: 'fim',
    ...(context === undefined ? {} : { ctx: context }),
    ...(type === undefined ? {} : { cty: type }),
  };
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}

/** The bytes of a protected message. `type`: content type of the text if it is not application/json. */
export function protect(terms: Terms, text: Buffer, type?: string): Buffer {
  const key = wraps(terms) ? randomBytes(16) : terms.key;
  const ek = wraps(terms) ? sm2Seal(terms.key, key, layoutOf(terms)) : NONE;
  switch (terms.profile) {
    case 'fim-json': {
      const { iv, ct, tag } = seal(terms, key, jsonAad(terms, type), text);
      const binary = (bytes: Buffer): string => bytes.toString('base64');
      const { algorithm: alg, kid, context: ctx } = terms;
      return Buffer.from(
        JSON.stringify({
          alg,
          kid,
          ...(wraps(terms) ? { ek: binary(ek) } : {}),
          iv: binary(iv),
          ct: binary(ct),
          tag: binary(tag),
          ...(ctx === undefined ? {} : { ctx }),
          ...(type === undefined ? {} : { cty: type }),
        }),
      );
    }
    case 'compact': {
      const header = compactHeader(terms, type);
      const { iv, ct, tag } = seal(terms, key, Buffer.from(header), text);
      return Buffer.from([header, ...[ek, iv, ct, tag].map((part) => part.toString('base64url'))].join('.'));
    }
    case 'segmented':
      return protectSegments(terms, key, ek, text, type);
    default: {
      const { iv, ct, tag } = seal(terms, key, NONE, text);
      const whole = Buffer.concat([iv, ct, tag]);
      return terms.profile === 'raw' ? whole : Buffer.from(whole.toString(terms.profile));
    }
  }
}

/** Takes a protected message apart and opens it. Throws Refused. */
export function unprotect(terms: Terms, message: Buffer): { text: Buffer; type?: string } {
  const unwrap = (ek: Buffer): Buffer => (wraps(terms) ? sm2Open(terms.key, ek, layoutOf(terms)) : terms.key);
  switch (terms.profile) {
    case 'fim-json': {
      const { alg, kid, ctx, cty, ek = '', iv, ct, tag } = JSON.parse(message.toString()) as Record<string, string>;
      if (alg !== terms.algorithm || kid !== terms.kid || ctx !== terms.context) throw new Refused('terms');
      const [wrapped, ...rest] = [ek, iv!, ct!, tag!].map((text) => Buffer.from(text, 'base64'));
      const text = open(terms, unwrap(wrapped!), jsonAad(terms, cty), { iv: rest[0]!, ct: rest[1]!, tag: rest[2]! });
      return cty === undefined ? { text } : { text, type: cty };
    }
    case 'compact': {
      const parts = message.toString().split('.');
      const { cty } = JSON.parse(Buffer.from(parts[0]!, 'base64url').toString()) as { cty?: string };
      if (parts.length !== 5 || parts[0] !== compactHeader(terms, cty)) throw new Refused('terms');
      const [ek, iv, ct, tag] = parts.slice(1).map((part) => Buffer.from(part, 'base64url'));
      const text = open(terms, unwrap(ek!), Buffer.from(parts[0]!), { iv: iv!, ct: ct!, tag: tag! });
      return cty === undefined ? { text } : { text, type: cty };
    }
    case 'segmented':
      return unprotectSegments(terms, message, unwrap);
    default: {
      const whole = terms.profile === 'raw' ? message : Buffer.from(message.toString('latin1'), terms.profile);
      return { text: open(terms, terms.key, NONE, split(terms.algorithm, whole)) };
    }
  }
}

function split(algorithm: Algorithm, whole: Buffer): Sealed {
  const { iv, tag } = SIZES[algorithm];
  return {
    iv: whole.subarray(0, iv),
    ct: whole.subarray(iv, whole.length - tag),
    tag: whole.subarray(whole.length - tag),
  };
}

function place(header: Buffer, index: number, last: boolean): Buffer {
  const at = Buffer.alloc(5);
  at.writeUInt32BE(index);
  at[4] = last ? 1 : 0;
  return Buffer.concat([header, at]);
}

function protectSegments(terms: Terms, key: Buffer, ek: Buffer, text: Buffer, type = ''): Buffer {
  const size = terms.segmentBytes ?? 65536;
  const texts = [terms.kid, terms.context ?? '', type].map((part) => Buffer.from(part));
  const fixed = Buffer.alloc(34);
  fixed.write('FIMS');
  fixed[4] = 1;
  fixed[5] = SIZES[terms.algorithm].id;
  fixed.writeUInt32BE(size, 6);
  randomBytes(16).copy(fixed, 10);
  [...texts, ek].forEach((part, i) => fixed.writeUInt16BE(part.length, 26 + 2 * i));
  const header = Buffer.concat([fixed, ...texts, ek]);
  const segments: Buffer[] = [header];
  for (let index = 0, from = 0; from === 0 || from < text.length; index++, from += size) {
    const { iv, ct, tag } = seal(
      terms,
      key,
      place(header, index, from + size >= text.length),
      text.subarray(from, from + size),
    );
    segments.push(iv, ct, tag);
  }
  return Buffer.concat(segments);
}

function unprotectSegments(
  terms: Terms,
  message: Buffer,
  unwrap: (ek: Buffer) => Buffer,
): { text: Buffer; type?: string } {
  if (message.toString('latin1', 0, 4) !== 'FIMS' || message[4] !== 1 || message[5] !== SIZES[terms.algorithm].id)
    throw new Refused('header');
  const size = message.readUInt32BE(6);
  let at = 34;
  const [kid, context, type, ek] = [0, 1, 2, 3].map((i) => {
    const from = at;
    at += message.readUInt16BE(26 + 2 * i);
    return message.subarray(from, at);
  });
  if (kid!.toString() !== terms.kid || context!.toString() !== (terms.context ?? '')) throw new Refused('terms');
  const header = message.subarray(0, at);
  const key = unwrap(ek!);
  const { iv, tag } = SIZES[terms.algorithm];
  const whole = iv + tag + (terms.algorithm === 'SM4-CBC-HMAC-SM3' ? (Math.floor(size / 16) + 1) * 16 : size);
  const texts: Buffer[] = [];
  for (let index = 0; ; index++) {
    const segment = message.subarray(at, at + whole);
    at += whole;
    const last = at >= message.length;
    texts.push(open(terms, key, place(header, index, last), split(terms.algorithm, segment)));
    if (last) break;
  }
  const text = Buffer.concat(texts);
  return type!.length === 0 ? { text } : { text, type: type!.toString() };
}

/**
 * The KMS's key for an algorithm. `seals`: for the encrypting side (an SM2 public key), else for the decrypting side.
 */
export function kmsKey(algorithm: Algorithm, key: Buffer, seals: boolean): { algorithm: string; material: string } {
  if (algorithm !== 'SM2' && algorithm !== 'SM2-ENVELOPE')
    return { algorithm: algorithm === 'AES-256-GCM' ? 'AES-256' : 'SM4', material: key.toString('base64') };
  const point = Buffer.from(publicOf(key), 'hex');
  const spki = Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a811ccf5501822d034200', 'hex'), point]);
  if (seals)
    return {
      algorithm: 'SM2-PUBLIC',
      material: createPublicKey({ key: spki, format: 'der', type: 'spki' })
        .export({ format: 'pem', type: 'spki' })
        .toString(),
    };
  const pkcs8 = Buffer.concat([
    Buffer.from('308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420', 'hex'),
    key,
    Buffer.from('a144034200', 'hex'),
    point,
  ]);
  return {
    algorithm: 'SM2-PRIVATE',
    material: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs8' })
      .toString(),
  };
}
