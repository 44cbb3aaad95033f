// A revocation list (RFC 5280, 5): a base list of its issuer's own certificates, signed with SM2 and SM3. Parsed once
// into a table of serial numbers. Delta lists, indirect ones and lists for some reasons are refused by name, since what
// they leave out would be taken for good.
import { MAX_LIST_BYTES, MAX_LISTED_CERTIFICATES, MAX_SERIAL_BYTES } from '../limits';
import {
  DER_BIT_STRING,
  DER_CONTEXT_0,
  DER_INTEGER,
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
import { sm2SignatureFromDer } from '../crypto/sm2-signature';
import { Sm3 } from '../crypto/sm3';
import { Certificate, takeSignatureAlgorithm } from './certificate';
import { USE_CRL_SIGN } from './extensions';
import { CertificateFault } from './fault';
import { ListFault } from './list-fault';
import { ListScope } from './list-scope';
import { derTakeTime, NO_TIME } from './time';

const DER_UTC_TIME: u32 = 0x17;
const DER_GENERALIZED_TIME: u32 = 0x18;
const RAW_SIGNATURE: usize = memory.data(64, 16);

/** Why `RevocationList.parse` answered null. */
export let listFault: ListFault = ListFault.None;

/** Hash of a serial number (FNV-1a). */
function hashOf(serial: usize, length: u32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(serial + i)) * 0x01000193;
  return hash;
}

export class RevocationList {
  issuer: usize = 0;
  issuerLength: u32 = 0;
  /** Seconds since 1970-01-01. */
  thisUpdate: i64 = 0;
  nextUpdate: i64 = 0;
  /** Certificates that it names. */
  count: u32 = 0;
  readonly scope: ListScope = new ListScope();
  private signed: usize = 0;
  private signedLength: u32 = 0;
  private signature: usize = 0;
  private signatureLength: u32 = 0;
  /** Offsets of serial numbers (their INTEGER's header) by hash; 0: free. */
  private table: StaticArray<u32> = [];
  /** x ‖ y of the key whose signature was found right. */
  private readonly signer: StaticArray<u8> = new StaticArray<u8>(64);
  private isVerified: bool = false;

  private constructor(
    private readonly bytes: StaticArray<u8>,
    readonly length: u32,
  ) {}

  /** Parses a copy of `length` bytes. Null: see `listFault`. */
  static parse(der: usize, length: u32): RevocationList | null {
    listFault = length > MAX_LIST_BYTES ? ListFault.TooLarge : ListFault.Malformed;
    if (length == 0 || length > MAX_LIST_BYTES) return null;
    const bytes = new StaticArray<u8>(<i32>length);
    memory.copy(changetype<usize>(bytes), der, length);
    const list = new RevocationList(bytes, length);
    listFault = list.read();
    return listFault == ListFault.None ? list : null;
  }

  /** Takes into a digest what no other list has that was found right: its signature. */
  digestTo(sm3: Sm3): void {
    sm3.update(this.signature, this.signatureLength);
  }

  /** Whether it is about certificates of `issuer`'s name, and of this certificate in particular. */
  isAbout(certificate: Certificate): bool {
    return (
      this.issuerLength == certificate.issuerLength &&
      memory.compare(this.issuer, certificate.issuer, this.issuerLength) == 0 &&
      this.scope.covers(certificate)
    );
  }

  /** Whether it replaces `other`: of the same issuer and the same part. */
  isLike(other: RevocationList): bool {
    return (
      this.issuerLength == other.issuerLength &&
      memory.compare(this.issuer, other.issuer, this.issuerLength) == 0 &&
      this.scope.equals(other.scope)
    );
  }

  /** Whether `issuer`, which was verified itself, may sign lists and signed this one. */
  isSignedBy(issuer: Certificate): bool {
    const extensions = issuer.extensions;
    if (extensions.hasKeyUsage && (extensions.keyUsage & USE_CRL_SIGN) == 0) return false;
    if (!this.scope.isUnderKey(issuer)) return false;
    return this.isUnder(issuer.key);
  }

  /** Whether it is signed by the key that `held` was found to be signed by, if it was found. */
  mayReplace(held: RevocationList): bool {
    if (!held.isVerified) return true;
    const key = Sm2PublicKey.fromBytes(changetype<usize>(held.signer), COORDINATES_BYTES);
    return key != null && this.isUnder(key);
  }

  private isUnder(key: Sm2PublicKey): bool {
    const signer = changetype<usize>(this.signer);
    if (this.isVerified && memory.compare(signer, key.coordinates, COORDINATES_BYTES) == 0) return true;
    if (!sm2SignatureFromDer(this.signature, this.signatureLength, RAW_SIGNATURE)) return false;
    if (!sm2Verify(key, DEFAULT_ID, DEFAULT_ID_BYTES, this.signed, this.signedLength, RAW_SIGNATURE)) return false;
    memory.copy(signer, key.coordinates, COORDINATES_BYTES);
    this.isVerified = true;
    return true;
  }

  /** Whether it names a serial number. */
  names(serial: usize, length: u32): bool {
    const table = this.table;
    const mask = <u32>table.length - 1;
    if (table.length == 0) return false;
    let slot = hashOf(serial, length) & mask;
    while (unchecked(table[slot]) != 0) {
      const entry = changetype<usize>(this.bytes) + unchecked(table[slot]);
      if (<u32>load<u8>(entry, 1) == length && memory.compare(entry + 2, serial, length) == 0) return true;
      slot = (slot + 1) & mask;
    }
    return false;
  }

  private read(): ListFault {
    derOpen(changetype<usize>(this.bytes), this.length);
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return ListFault.Malformed;
    this.signed = derHere();
    const signed = derEnter(DER_SEQUENCE);
    if (signed == 0) return ListFault.Malformed;
    this.signedLength = <u32>(derHere() - this.signed) + derLength;
    const fault = this.readSigned();
    if (fault != ListFault.None) return fault;
    if (!derLeave(signed)) return ListFault.Malformed;
    const algorithm = takeSignatureAlgorithm();
    if (algorithm != CertificateFault.None) return faultOf(algorithm);
    this.signature = derTakeBits(DER_BIT_STRING);
    this.signatureLength = derLength;
    return this.signature != 0 && derLeave(outer) && derAtEnd() ? ListFault.None : ListFault.Malformed;
  }

  private readSigned(): ListFault {
    // Version 1 has none; it has no extensions either.
    const isSecond = derPeek() == DER_INTEGER;
    if (isSecond && !derTakeSmall(1)) return ListFault.Version;
    const algorithm = takeSignatureAlgorithm();
    if (algorithm != CertificateFault.None) return faultOf(algorithm);
    this.issuer = derTake(DER_SEQUENCE);
    this.issuerLength = derLength;
    if (this.issuer == 0) return ListFault.Malformed;
    this.thisUpdate = derTakeTime();
    if (this.thisUpdate == NO_TIME) return ListFault.Malformed;
    const next = derPeek();
    if (next != DER_UTC_TIME && next != DER_GENERALIZED_TIME) return ListFault.NoNextUpdate;
    this.nextUpdate = derTakeTime();
    if (this.nextUpdate == NO_TIME || this.nextUpdate < this.thisUpdate) return ListFault.Malformed;
    if (derPeek() == DER_SEQUENCE) {
      const fault = this.readEntries(isSecond);
      if (fault != ListFault.None) return fault;
    }
    if (derAtEnd()) return ListFault.None;
    const extensions = isSecond ? derEnter(DER_CONTEXT_0) : <usize>0;
    if (extensions == 0) return ListFault.Malformed;
    const fault = this.scope.take();
    if (fault != ListFault.None) return fault;
    return derLeave(extensions) ? ListFault.None : ListFault.Malformed;
  }

  /** Counts the entries, then puts them into the table. */
  private readEntries(isSecond: bool): ListFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return ListFault.Malformed;
    const start = derHere();
    while (!derAtEnd()) {
      if (++this.count > MAX_LISTED_CERTIFICATES) return ListFault.TooMany;
      const entry = derEnter(DER_SEQUENCE);
      const serial = entry == 0 ? <usize>0 : derTake(DER_INTEGER);
      if (serial == 0 || derLength == 0 || derLength > MAX_SERIAL_BYTES) return ListFault.Malformed;
      if (derTakeTime() == NO_TIME) return ListFault.Malformed;
      if (!derAtEnd()) {
        const fault = isSecond ? ListScope.takeEntry() : ListFault.Malformed;
        if (fault != ListFault.None) return fault;
      }
      if (!derLeave(entry)) return ListFault.Malformed;
    }
    const length = <u32>(derHere() - start);
    if (!derLeave(outer)) return ListFault.Malformed;
    if (this.count > 0) this.index(start, length);
    return ListFault.None;
  }

  private index(start: usize, length: u32): void {
    let size: u32 = 8;
    while (size < this.count * 2) size <<= 1;
    const table = new StaticArray<u32>(<i32>size);
    this.table = table;
    const mask = size - 1;
    const base = changetype<usize>(this.bytes);
    for (let at = start; at < start + length;) {
      // Headers were read before: a sequence, whose length may be long, with an integer below 128 bytes in front.
      const first = <u32>load<u8>(at, 1);
      const header: u32 = first < 0x80 ? 2 : 2 + (first & 0x7f);
      let content = first;
      if (first >= 0x80) {
        content = 0;
        for (let i: u32 = 0; i < header - 2; i++) content = (content << 8) | load<u8>(at + 2 + i);
      }
      const serial = at + header;
      let slot = hashOf(serial + 2, load<u8>(serial, 1)) & mask;
      while (unchecked(table[slot]) != 0) slot = (slot + 1) & mask;
      unchecked((table[slot] = <u32>(serial - base)));
      at += header + content;
    }
  }
}

function faultOf(algorithm: CertificateFault): ListFault {
  return algorithm == CertificateFault.Algorithm ? ListFault.Algorithm : ListFault.Malformed;
}
