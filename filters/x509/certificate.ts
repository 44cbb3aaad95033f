// An X.509 certificate (RFC 5280, 4.1; GM/T 0015) whose key is one of SM2 and whose signature is of SM2 and SM3. Parsed
// once into offsets; nothing of it is believed before a chain is verified.
import { MAX_CERTIFICATE_BYTES, MAX_SERIAL_BYTES } from '../limits';
import {
  DER_BIT_STRING,
  DER_CONTEXT_0,
  DER_INTEGER,
  DER_NULL,
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derHere,
  derLeave,
  derLength,
  derOpen,
  derPeek,
  derTake,
  derTakeBits,
  derTakeSmall,
} from '../crypto/der';
import { DEFAULT_ID, DEFAULT_ID_BYTES, sm2Verify } from '../crypto/sm2';
import { COORDINATES_BYTES, Sm2PublicKey } from '../crypto/sm2-key';
import { takeSm2Algorithm } from '../crypto/sm2-parameters';
import { sm2SignatureFromDer } from '../crypto/sm2-signature';
import { Extensions } from './extensions';
import { CertificateFault } from './fault';
import { derTakeTime, NO_TIME } from './time';

/** [1] and [2], primitive: unique identifiers; [3], constructed: extensions. */
const DER_UNIQUE_1: u32 = 0x81;
const DER_UNIQUE_2: u32 = 0x82;
const DER_CONTEXT_3: u32 = 0xa3;
const DER_SET: u32 = 0x31;

/** 1.2.156.10197.1.501, SM2 with SM3. */
const OID_SM2_SM3: usize = memory.data<u8>([0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75]);
const OID_SM2_SM3_BYTES: u32 = 8;
/** 2.5.4.3, commonName. */
const OID_COMMON_NAME: usize = memory.data<u8>([0x55, 0x04, 0x03]);

const RAW_SIGNATURE: usize = memory.data(64, 16);

/** Why `Certificate.parse` answered null. */
export let parseFault: CertificateFault = CertificateFault.None;

/** AlgorithmIdentifier of a signature: SM2 with SM3, its parameters absent or NULL. */
export function takeSignatureAlgorithm(): CertificateFault {
  const outer = derEnter(DER_SEQUENCE);
  const oid = outer == 0 ? <usize>0 : derTake(DER_OID);
  if (oid == 0) return CertificateFault.Malformed;
  if (derLength != OID_SM2_SM3_BYTES || memory.compare(oid, OID_SM2_SM3, OID_SM2_SM3_BYTES) != 0)
    return CertificateFault.Algorithm;
  if (derPeek() == DER_NULL && (derTake(DER_NULL) == 0 || derLength != 0)) return CertificateFault.Malformed;
  return derLeave(outer) ? CertificateFault.None : CertificateFault.Malformed;
}

/** A certificate with a copy of its DER. */
export class Certificate {
  /** Signed part: `tbsCertificate` with its header. */
  signed: usize = 0;
  signedLength: u32 = 0;
  serial: usize = 0;
  serialLength: u32 = 0;
  /** Contents of the names. */
  issuer: usize = 0;
  issuerLength: u32 = 0;
  subject: usize = 0;
  subjectLength: u32 = 0;
  /** The subject's last commonName; 0: it has none. */
  commonName: usize = 0;
  commonNameLength: u32 = 0;
  /** Seconds since 1970-01-01. */
  notBefore: i64 = 0;
  notAfter: i64 = 0;
  /** The subject's key as it stands there. */
  keyBits: usize = 0;
  keyBitsLength: u32 = 0;
  readonly extensions: Extensions = new Extensions();
  private publicKey: Sm2PublicKey | null = null;
  /** x ‖ y of the key whose signature was found right. */
  private signer: StaticArray<u8> | null = null;
  /** DER of the signature. */
  private signature: usize = 0;
  private signatureLength: u32 = 0;

  private constructor(
    private readonly bytes: StaticArray<u8>,
    /** Bytes of the DER. */
    readonly length: u32,
  ) {}

  /** Parses a copy of `length` bytes. Null: see `parseFault`. */
  static parse(der: usize, length: u32): Certificate | null {
    parseFault = length > MAX_CERTIFICATE_BYTES ? CertificateFault.TooLarge : CertificateFault.Malformed;
    if (length == 0 || length > MAX_CERTIFICATE_BYTES) return null;
    const bytes = new StaticArray<u8>(<i32>length);
    memory.copy(changetype<usize>(bytes), der, length);
    const certificate = new Certificate(bytes, length);
    parseFault = certificate.read();
    return parseFault == CertificateFault.None ? certificate : null;
  }

  /** The DER. */
  get der(): usize {
    return changetype<usize>(this.bytes);
  }

  get key(): Sm2PublicKey {
    return this.publicKey!;
  }

  /** Whether the issuer's name is the subject's. */
  get isSelfIssued(): bool {
    return this.issuerLength == this.subjectLength && memory.compare(this.issuer, this.subject, this.issuerLength) == 0;
  }

  /** Whether the two are one certificate. */
  equals(other: Certificate): bool {
    return this.length == other.length && memory.compare(this.der, other.der, this.length) == 0;
  }

  /** Whether `issuer` has the name, and the key identifier if both give one, of this certificate's issuer. */
  mayBeFrom(issuer: Certificate): bool {
    if (this.issuerLength != issuer.subjectLength) return false;
    if (memory.compare(this.issuer, issuer.subject, this.issuerLength) != 0) return false;
    const wanted = this.extensions;
    const has = issuer.extensions;
    if (wanted.authorityKeyLength == 0 || has.subjectKeyLength == 0) return true;
    return (
      wanted.authorityKeyLength == has.subjectKeyLength &&
      memory.compare(wanted.authorityKey, has.subjectKey, has.subjectKeyLength) == 0
    );
  }

  /** Whether `issuer`'s key signed this certificate, under the default user id. */
  isSignedBy(issuer: Certificate): bool {
    const coordinates = issuer.key.coordinates;
    const known = this.signer;
    if (known && memory.compare(changetype<usize>(known), coordinates, COORDINATES_BYTES) == 0) return true;
    if (!sm2SignatureFromDer(this.signature, this.signatureLength, RAW_SIGNATURE)) return false;
    if (!sm2Verify(issuer.key, DEFAULT_ID, DEFAULT_ID_BYTES, this.signed, this.signedLength, RAW_SIGNATURE))
      return false;
    const signer = new StaticArray<u8>(<i32>COORDINATES_BYTES);
    memory.copy(changetype<usize>(signer), coordinates, COORDINATES_BYTES);
    this.signer = signer;
    return true;
  }

  private read(): CertificateFault {
    derOpen(this.der, this.length);
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return CertificateFault.Malformed;
    this.signed = derHere();
    const signed = derEnter(DER_SEQUENCE);
    if (signed == 0) return CertificateFault.Malformed;
    this.signedLength = <u32>(derHere() - this.signed) + derLength;
    let fault = this.readSigned();
    if (fault != CertificateFault.None) return fault;
    if (!derLeave(signed)) return CertificateFault.Malformed;
    fault = takeSignatureAlgorithm();
    if (fault != CertificateFault.None) return fault;
    this.signature = derTakeBits(DER_BIT_STRING);
    this.signatureLength = derLength;
    return this.signature != 0 && derLeave(outer) && derAtEnd() ? CertificateFault.None : CertificateFault.Malformed;
  }

  private readSigned(): CertificateFault {
    const version = derPeek() == DER_CONTEXT_0 ? derEnter(DER_CONTEXT_0) : <usize>0;
    if (version == 0 || !derTakeSmall(2) || !derLeave(version)) return CertificateFault.Version;
    this.serial = derTake(DER_INTEGER);
    this.serialLength = derLength;
    if (this.serial == 0 || derLength == 0 || derLength > MAX_SERIAL_BYTES) return CertificateFault.Malformed;
    const fault = takeSignatureAlgorithm();
    if (fault != CertificateFault.None) return fault;
    this.issuer = derTake(DER_SEQUENCE);
    this.issuerLength = derLength;
    if (this.issuer == 0) return CertificateFault.Malformed;
    const validity = derEnter(DER_SEQUENCE);
    if (validity == 0) return CertificateFault.Malformed;
    this.notBefore = derTakeTime();
    this.notAfter = derTakeTime();
    if (this.notBefore == NO_TIME || this.notAfter == NO_TIME || !derLeave(validity)) return CertificateFault.Malformed;
    if (!this.readSubject()) return CertificateFault.Malformed;
    const keyFault = this.readKey();
    if (keyFault != CertificateFault.None) return keyFault;
    if (derPeek() == DER_UNIQUE_1 && derTake(DER_UNIQUE_1) == 0) return CertificateFault.Malformed;
    if (derPeek() == DER_UNIQUE_2 && derTake(DER_UNIQUE_2) == 0) return CertificateFault.Malformed;
    if (derAtEnd()) return CertificateFault.None;
    const extensions = derEnter(DER_CONTEXT_3);
    if (extensions == 0) return CertificateFault.Malformed;
    const extensionFault = this.extensions.take();
    if (extensionFault != CertificateFault.None) return extensionFault;
    return derLeave(extensions) ? CertificateFault.None : CertificateFault.Malformed;
  }

  /** A sequence of sets of pairs; the last commonName is kept. */
  private readSubject(): bool {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return false;
    this.subject = derHere();
    this.subjectLength = derLength;
    while (!derAtEnd()) {
      const set = derEnter(DER_SET);
      if (set == 0) return false;
      while (!derAtEnd()) {
        const pair = derEnter(DER_SEQUENCE);
        const oid = pair == 0 ? <usize>0 : derTake(DER_OID);
        if (oid == 0) return false;
        const isName = derLength == 3 && memory.compare(oid, OID_COMMON_NAME, 3) == 0;
        const value = derTake(derPeek());
        if (value == 0) return false;
        if (isName) {
          this.commonName = value;
          this.commonNameLength = derLength;
        }
        if (!derLeave(pair)) return false;
      }
      if (!derLeave(set)) return false;
    }
    return derLeave(outer);
  }

  private readKey(): CertificateFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return CertificateFault.Malformed;
    if (!takeSm2Algorithm()) return CertificateFault.Algorithm;
    const bits = derTakeBits(DER_BIT_STRING);
    this.keyBits = bits;
    this.keyBitsLength = derLength;
    if (bits == 0 || !derLeave(outer)) return CertificateFault.Malformed;
    this.publicKey = Sm2PublicKey.fromBytes(bits, this.keyBitsLength);
    return this.publicKey ? CertificateFault.None : CertificateFault.Malformed;
  }
}
