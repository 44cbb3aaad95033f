// Reads SM2 keys in the formats of other software. Accepts and refuses the same ones as the modules
// (filters/crypto/sm2-key-format.ts; test/vectors/keys/sm2.json tests both), and also gives the reason.
import { ECDH, createECDH } from 'node:crypto';
import { MAX_KEY_FILE_BYTES } from '../limits.ts';
import { DER, DerError, DerReader } from './der.ts';
import { fromBase64, isText, pemBlocks, withoutSpace } from './pem.ts';

export type Sm2Half = 'SM2-PRIVATE' | 'SM2-PUBLIC';

/** Reasons why something is not accepted as an SM2 key. */
const REASONS = {
  malformed: 'it is neither PEM, DER, nor a bare key',
  long: `it is longer than ${MAX_KEY_FILE_BYTES} bytes`,
  encrypted: 'it is encrypted: decrypt it first',
  private: 'it has a private key in it: give the public key or certificate alone',
  public: 'it is a public key, and the private one is wanted',
  curve: 'it is of another curve or algorithm, or does not name its curve',
  mismatch: 'its public key is not that of its private key',
  range: 'its number is no private key of the curve',
  point: 'its point is not on the curve, or of a form that is not taken',
  several: 'it has more than one key',
} as const;
export type Sm2KeyReason = keyof typeof REASONS;

/** Gives the reason and contains nothing of the key. */
export class Sm2KeyError extends Error {
  readonly reason: Sm2KeyReason;

  constructor(reason: Sm2KeyReason) {
    super(REASONS[reason]);
    this.reason = reason;
  }
}

/** Encoding of a key's text. Undefined: unknown. */
export type KeyEncoding = 'base64' | 'hex' | undefined;

/** OpenSSL's name of the curve of GB/T 32918.5. */
export const SM2_CURVE = 'SM2';
const SCALAR_BYTES = 32;
/** MIN_SCALAR_BYTES of the modules. A shorter scalar was truncated. */
const MIN_SCALAR_BYTES = 28;
const COORDINATES_BYTES = 64;
/**
 * 1.2.840.10045.2.1, id-ecPublicKey; 1.2.156.10197.1.301, the curve and the algorithm; 1.2.840.10045.1.1, prime-field.
 */
const OID_EC = Buffer.from('2a8648ce3d0201', 'hex');
const OID_SM2 = Buffer.from('2a811ccf5501822d', 'hex');
const OID_PRIME_FIELD = Buffer.from('2a8648ce3d0101', 'hex');
/** GB/T 32918.5: p, a, b, n and the base point. */
const P = Buffer.from('fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff', 'hex');
const A = Buffer.from('fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc', 'hex');
const B = Buffer.from('28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93', 'hex');
const N = Buffer.from('fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123', 'hex');
const G = Buffer.from(
  '0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0',
  'hex',
);
const G_COMPRESSED = Buffer.concat([Buffer.from([2]), G.subarray(1, 33)]);
const PKCS8_HEAD = Buffer.from('308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420', 'hex');
const PKCS8_MIDDLE = Buffer.from('a144034200', 'hex');
const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a811ccf5501822d034200', 'hex');

/** Bytes of the text that a KMS gives as `material`. PEM text stays as it is. Error: Sm2KeyError. */
export function sm2BytesOf(text: Buffer, encoding: KeyEncoding): Buffer {
  if (text.length > 2 * MAX_KEY_FILE_BYTES) throw new Sm2KeyError('long');
  if (pemBlocks(text).length > 0) return text;
  const digits = withoutSpace(text.toString('latin1'));
  const isHex = digits.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(digits);
  const bytes =
    isHex && encoding !== 'base64' ? Buffer.from(digits, 'hex') : encoding === 'hex' ? null : fromBase64(digits);
  if (bytes === null || bytes.length === 0) throw new Sm2KeyError('malformed');
  return bytes;
}

/** Bytes of a file: text as for `sm2BytesOf`, or DER or a bare key in binary. Error: Sm2KeyError. */
export function sm2BytesOfFile(file: Buffer, encoding: KeyEncoding): Buffer {
  return encoding !== undefined || isText(file) ? sm2BytesOf(file, encoding) : file;
}

/**
 * Reads a key and writes it as PEM: PKCS#8 with its public key, or SubjectPublicKeyInfo. Nothing else of the input is
 * kept. Error: Sm2KeyError.
 */
export function sm2KeyPem(half: Sm2Half, bytes: Buffer): string {
  if (bytes.length > MAX_KEY_FILE_BYTES) throw new Sm2KeyError('long');
  if (half === 'SM2-PUBLIC') return pemOf('PUBLIC KEY', Buffer.concat([SPKI_HEAD, publicFrom(bytes)]));
  const scalar = sm2Scalar(bytes);
  const der = Buffer.concat([PKCS8_HEAD, scalar, PKCS8_MIDDLE, pointOf(scalar)]);
  const pem = pemOf('PRIVATE KEY', der);
  scalar.fill(0);
  der.fill(0);
  return pem;
}

function pemOf(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}

/** Scalar of a private key, in a new buffer of 32 bytes. Error: Sm2KeyError. */
export function sm2Scalar(bytes: Buffer): Buffer {
  if (bytes.length <= SCALAR_BYTES + 1) return scalarFrom(bytes);
  const blocks = isSequence(bytes) ? [] : pemBlocks(bytes);
  if (blocks.length === 0) return scalarOfDer(bytes);
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (
    keys.some(({ label }) => label.endsWith('ENCRYPTED PRIVATE KEY')) ||
    /^Proc-Type: *4,ENCRYPTED/m.test(bytes.toString('latin1'))
  )
    throw new Sm2KeyError('encrypted');
  if (keys.length > 1) throw new Sm2KeyError('several');
  const der = keys[0]?.der;
  if (!der)
    throw new Sm2KeyError(
      keys.length === 0 && blocks.some(({ label }) => isPublicLabel(label)) ? 'public' : 'malformed',
    );
  return scalarOfDer(der);
}

function isPublicLabel(label: string): boolean {
  return label.endsWith('PUBLIC KEY') || label.endsWith('CERTIFICATE');
}

/** Point as 0x04 ‖ x ‖ y. */
function publicFrom(bytes: Buffer): Buffer {
  const blocks = isSequence(bytes) ? [] : pemBlocks(bytes);
  if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) throw new Sm2KeyError('private');
  if (blocks.length > 0) return publicOfBlocks(blocks);
  if (!isSequence(bytes) && [33, COORDINATES_BYTES, 65].includes(bytes.length))
    return pointFrom(bytes.length === COORDINATES_BYTES ? Buffer.concat([Buffer.from([4]), bytes]) : bytes);
  try {
    return pointOfDer(bytes);
  } catch (error) {
    throw isPrivate(bytes) ? new Sm2KeyError('private') : error;
  }
}

function publicOfBlocks(blocks: ReturnType<typeof pemBlocks>): Buffer {
  const keys = blocks.filter(({ label }) => label.endsWith('PUBLIC KEY'));
  if (keys.length > 1) throw new Sm2KeyError('several');
  const der = (keys[0] ?? blocks.find(({ label }) => label.endsWith('CERTIFICATE')))?.der;
  if (!der) throw new Sm2KeyError('malformed');
  return pointOfDer(der);
}

/** Whether it is one DER sequence without trailing bytes. */
function isSequence(bytes: Buffer): boolean {
  const reader = new DerReader(bytes);
  try {
    reader.take(DER.sequence);
    reader.end();
    return true;
  } catch {
    return false;
  }
}

function isPrivate(bytes: Buffer): boolean {
  try {
    sm2Scalar(bytes).fill(0);
    return true;
  } catch {
    return false;
  }
}

function read<T>(der: Buffer, work: (reader: DerReader) => T): T {
  try {
    const reader = new DerReader(der);
    const result = work(reader);
    reader.end();
    return result;
  } catch (error) {
    throw error instanceof DerError ? new Sm2KeyError('malformed') : error;
  }
}

function scalarOfDer(der: Buffer): Buffer {
  const second = read(der, (reader) =>
    reader.within(DER.sequence, (inner) => {
      if (inner.tag === DER.sequence) return DER.null; // an inner sequence begins a public key or a certificate
      inner.take(DER.integer);
      const { tag } = inner;
      inner.skipRest();
      return tag;
    }),
  );
  if (second === DER.null) throw new Sm2KeyError('public');
  return read(der, (reader) =>
    second === DER.sequence ? reader.within(DER.sequence, takePkcs8) : takeSec1(reader, false),
  );
}

function takePkcs8(reader: DerReader): Buffer {
  const version = reader.take(DER.integer);
  if (version.length !== 1 || version[0]! > 1) throw new Sm2KeyError('malformed');
  takeAlgorithm(reader);
  const scalar = reader.within(DER.octets, (inner) => takeSec1(inner, true));
  reader.skip(DER.context0);
  if (reader.tag === DER.implicit1 && version[0] === 1) mustBePointOf(scalar, reader.takeBits(DER.implicit1));
  return scalar;
}

function takeSec1(reader: DerReader, isCurveKnown: boolean): Buffer {
  return reader.within(DER.sequence, (inner) => {
    if (!inner.take(DER.integer).equals(Buffer.from([1]))) throw new Sm2KeyError('malformed');
    const number = inner.take(DER.octets);
    if (inner.tag === DER.context0) inner.within(DER.context0, takeCurve);
    else if (!isCurveKnown) throw new Sm2KeyError('curve');
    const scalar = scalarFrom(number);
    if (inner.tag === DER.context1) inner.within(DER.context1, (bits) => mustBePointOf(scalar, bits.takeBits()));
    return scalar;
  });
}

function takeAlgorithm(reader: DerReader): void {
  reader.within(DER.sequence, (inner) => {
    const oid = inner.take(DER.oid);
    if (oid.equals(OID_SM2)) {
      if (inner.tag === DER.null ? inner.take(DER.null).length > 0 : false) throw new Sm2KeyError('malformed');
      if (inner.tag !== 0) takeCurve(inner);
    } else if (oid.equals(OID_EC)) takeCurve(inner);
    else {
      inner.skipRest();
      throw new Sm2KeyError('curve');
    }
  });
}

function takeCurve(reader: DerReader): void {
  if (reader.tag !== DER.sequence) {
    if (!reader.take(DER.oid).equals(OID_SM2)) throw new Sm2KeyError('curve');
    return;
  }
  const number = (inner: DerReader, expected: Buffer): boolean =>
    inner.take(DER.integer).equals(expected[0]! < 0x80 ? expected : Buffer.concat([Buffer.from([0]), expected]));
  const isSm2 = reader.within(DER.sequence, (inner) => {
    const version = number(inner, Buffer.from([1]));
    const field = inner.within(
      DER.sequence,
      (prime) => prime.take(DER.oid).equals(OID_PRIME_FIELD) && number(prime, P),
    );
    const curve = inner.within(DER.sequence, (numbers) => {
      const [a, b] = [numbers.take(DER.octets), numbers.take(DER.octets)];
      if (numbers.tag !== 0) numbers.takeBits(); // the optional seed
      return a.equals(A) && b.equals(B);
    });
    const base = inner.take(DER.octets);
    const order = number(inner, N);
    const cofactor = inner.tag === 0 || number(inner, Buffer.from([1]));
    return version && field && curve && (base.equals(G) || base.equals(G_COMPRESSED)) && order && cofactor;
  });
  if (!isSm2) throw new Sm2KeyError('curve');
}

function pointOfDer(der: Buffer): Buffer {
  const isSpki = read(der, (reader) =>
    reader.within(DER.sequence, (inner) => {
      const first = inner.tag === DER.sequence ? new DerReader(inner.take(DER.sequence)).tag : 0;
      inner.skipRest();
      return first === DER.oid;
    }),
  );
  return read(der, (reader) => (isSpki ? takeSpki(reader) : takeCertificate(reader)));
}

function takeSpki(reader: DerReader): Buffer {
  return reader.within(DER.sequence, (inner) => {
    takeAlgorithm(inner);
    return derPoint(inner.takeBits());
  });
}

function takeCertificate(reader: DerReader): Buffer {
  return reader.within(DER.sequence, (inner) => {
    const point = inner.within(DER.sequence, (signed) => {
      signed.skip(DER.context0); // version
      signed.take(DER.integer);
      for (let i = 0; i < 4; i++) signed.take(DER.sequence); // signature, issuer, validity, subject
      const found = takeSpki(signed);
      signed.skipRest();
      return found;
    });
    inner.take(DER.sequence);
    inner.takeBits();
    return point;
  });
}

function scalarFrom(bytes: Buffer): Buffer {
  const number = bytes.length === SCALAR_BYTES + 1 && bytes[0] === 0 ? bytes.subarray(1) : bytes;
  if (number.length < MIN_SCALAR_BYTES || number.length > SCALAR_BYTES) throw new Sm2KeyError('range');
  const scalar = Buffer.concat([Buffer.alloc(SCALAR_BYTES - number.length), number]);
  if (
    scalar.equals(Buffer.alloc(SCALAR_BYTES)) ||
    BigInt(`0x${scalar.toString('hex')}`) >= BigInt(`0x${N.toString('hex')}`) - 1n
  )
    throw new Sm2KeyError('range');
  return scalar;
}

/** Like `pointFrom`, for a point whose first byte must give its form. */
function derPoint(bytes: Buffer): Buffer {
  if (bytes.length === COORDINATES_BYTES) throw new Sm2KeyError('point');
  return pointFrom(bytes);
}

function pointFrom(bytes: Buffer): Buffer {
  const form = bytes.length === 65 ? [4] : bytes.length === 33 ? [2, 3] : [];
  if (!form.includes(bytes[0]!)) throw new Sm2KeyError('point');
  try {
    return Buffer.from(ECDH.convertKey(bytes, SM2_CURVE, undefined, 'hex', 'uncompressed') as string, 'hex');
  } catch {
    throw new Sm2KeyError('point');
  }
}

function pointOf(scalar: Buffer): Buffer {
  const half = createECDH(SM2_CURVE);
  half.setPrivateKey(scalar);
  return half.getPublicKey();
}

function mustBePointOf(scalar: Buffer, bytes: Buffer): void {
  if (!derPoint(bytes).equals(pointOf(scalar))) throw new Sm2KeyError('mismatch');
}
