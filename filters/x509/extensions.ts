// Extensions of a certificate (RFC 5280, 4.2): those that decide whether it may be used are read, others are passed over
// unless they are marked critical. A default that is written out (`cA FALSE`, `critical FALSE`) is no DER, but authorities
// in the field write it: it is taken.
import {
  DER_BIT_STRING,
  DER_INTEGER,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derDropRest,
  derEnter,
  derHere,
  derLeave,
  derLength,
  derPeek,
  derSkipRest,
  derTake,
} from '../crypto/der';
import { CertificateFault } from './fault';

const DER_BOOLEAN: u32 = 0x01;
/** [0], primitive: keyIdentifier of an authority key identifier. */
const DER_IMPLICIT_0: u32 = 0x80;

/** keyUsage, by the number of the bit. */
export const USE_DIGITAL_SIGNATURE: u32 = 1 << 0;
export const USE_NON_REPUDIATION: u32 = 1 << 1;
export const USE_KEY_ENCIPHERMENT: u32 = 1 << 2;
export const USE_DATA_ENCIPHERMENT: u32 = 1 << 3;
export const USE_KEY_AGREEMENT: u32 = 1 << 4;
export const USE_CERTIFICATE_SIGN: u32 = 1 << 5;
export const USE_CRL_SIGN: u32 = 1 << 6;
const USE_BITS: u32 = 9;

/** extendedKeyUsage. */
export const FOR_SERVERS: u32 = 1 << 0;
export const FOR_CLIENTS: u32 = 1 << 1;
export const FOR_OCSP: u32 = 1 << 2;
export const FOR_ANYTHING: u32 = 0xffffffff;

/** No limit of intermediate certificates. */
export const NO_PATH_LENGTH: u32 = 0xffffffff;

const OID_EXTENSION: usize = memory.data<u8>([0x55, 0x1d]); // 2.5.29, then one byte
const OID_PURPOSE: usize = memory.data<u8>([0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03]); // 1.3.6.1.5.5.7.3, then one byte
const OID_ANY_PURPOSE: usize = memory.data<u8>([0x55, 0x1d, 0x25, 0x00]);

/** 1.3.6.1.5.5.7.1.1, authorityInfoAccess. */
const OID_AUTHORITY_INFO: usize = memory.data<u8>([0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01]);
const OID_AUTHORITY_INFO_BYTES: u32 = 8;

const SUBJECT_KEY: u8 = 14;
const KEY_USAGE: u8 = 15;
const SUBJECT_NAMES: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const LIST_POINTS: u8 = 31;
const POLICIES: u8 = 32;
const AUTHORITY_KEY: u8 = 35;
const PURPOSES: u8 = 37;

/** Extensions of one certificate. Addresses point into the certificate. */
export class Extensions {
  hasKeyUsage: bool = false;
  keyUsage: u32 = 0;
  /** All, unless the extension is there. */
  purposes: u32 = FOR_ANYTHING;
  isAuthority: bool = false;
  pathLength: u32 = NO_PATH_LENGTH;
  /** Content of the sequence of general names; 0: no such extension. */
  names: usize = 0;
  namesLength: u32 = 0;
  subjectKey: usize = 0;
  subjectKeyLength: u32 = 0;
  authorityKey: usize = 0;
  authorityKeyLength: u32 = 0;
  /** Value of cRLDistributionPoints, and of authorityInfoAccess, unread; 0: there is none. */
  listPoints: usize = 0;
  listPointsLength: u32 = 0;
  authorityInfo: usize = 0;
  authorityInfoLength: u32 = 0;
  private seen: u64 = 0;

  /** Reads the sequence of extensions, from the reader. */
  take(): CertificateFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return CertificateFault.Malformed;
    while (!derAtEnd()) {
      const fault = this.takeOne();
      if (fault != CertificateFault.None) return fault;
    }
    return derLeave(outer) ? CertificateFault.None : CertificateFault.Malformed;
  }

  private takeOne(): CertificateFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return CertificateFault.Malformed;
    const oid = derTake(DER_OID);
    const oidLength = derLength;
    if (oid == 0) return CertificateFault.Malformed;
    let critical = false;
    if (derPeek() == DER_BOOLEAN) {
      const value = takeBoolean();
      if (value < 0) return CertificateFault.Malformed;
      critical = value == 1;
    }
    const value = derEnter(DER_OCTET_STRING);
    if (value == 0) return CertificateFault.Malformed;
    if (oidLength == OID_AUTHORITY_INFO_BYTES && memory.compare(oid, OID_AUTHORITY_INFO, oidLength) == 0) {
      this.authorityInfo = derHere();
      this.authorityInfoLength = derLength;
    }
    const known = oidLength == 3 && memory.compare(oid, OID_EXTENSION, 2) == 0;
    const which: u8 = known ? load<u8>(oid, 2) : 0;
    if (known && which < 64) {
      if ((this.seen >> which) & 1) return CertificateFault.Malformed; // twice
      this.seen |= (<u64>1) << which;
    }
    if (known && which == LIST_POINTS) {
      this.listPoints = derHere();
      this.listPointsLength = derLength;
    }
    const read = known ? this.takeKnown(which) : -1;
    if (read < 0) return critical ? CertificateFault.CriticalExtension : passOver(value, outer);
    return read == 1 && derLeave(value) && derLeave(outer) ? CertificateFault.None : CertificateFault.Malformed;
  }

  /** 1: read; 0: malformed; -1: not one that is understood, nothing was read. */
  private takeKnown(which: u8): i32 {
    if (which == KEY_USAGE) return i32(this.takeKeyUsage());
    if (which == BASIC_CONSTRAINTS) return i32(this.takeBasicConstraints());
    if (which == PURPOSES) return i32(this.takePurposes());
    if (which == SUBJECT_NAMES) {
      this.names = derTake(DER_SEQUENCE);
      this.namesLength = derLength;
      return i32(this.names != 0);
    }
    if (which == SUBJECT_KEY) {
      this.subjectKey = derTake(DER_OCTET_STRING);
      this.subjectKeyLength = derLength;
      return i32(this.subjectKey != 0);
    }
    if (which == AUTHORITY_KEY) return i32(this.takeAuthorityKey());
    if (which == POLICIES) return i32(derTake(DER_SEQUENCE) != 0); // any policy will do
    return -1;
  }

  private takeKeyUsage(): bool {
    const bits = derTake(DER_BIT_STRING);
    const length = derLength;
    if (bits == 0 || length < 2 || length > 3 || load<u8>(bits) > 7) return false;
    for (let i: u32 = 0; i < min((length - 1) << 3, USE_BITS); i++) {
      const byte = <u32>load<u8>(bits + 1 + (i >> 3));
      if ((byte >> (7 - (i & 7))) & 1) this.keyUsage |= 1 << i;
    }
    this.hasKeyUsage = true;
    return true;
  }

  private takeBasicConstraints(): bool {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return false;
    if (derPeek() == DER_BOOLEAN) {
      const value = takeBoolean();
      if (value < 0) return false;
      this.isAuthority = value == 1;
    }
    if (derPeek() == DER_INTEGER) {
      const number = derTake(DER_INTEGER);
      if (number == 0 || derLength != 1 || load<u8>(number) >= 0x80) return false;
      this.pathLength = load<u8>(number);
    }
    return derLeave(outer);
  }

  private takePurposes(): bool {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0 || derAtEnd()) return false;
    this.purposes = 0;
    while (!derAtEnd()) {
      const oid = derTake(DER_OID);
      if (oid == 0) return false;
      if (derLength == 4 && memory.compare(oid, OID_ANY_PURPOSE, 4) == 0) this.purposes = FOR_ANYTHING;
      if (derLength != 8 || memory.compare(oid, OID_PURPOSE, 7) != 0) continue;
      const purpose = load<u8>(oid, 7);
      if (purpose == 1) this.purposes |= FOR_SERVERS;
      else if (purpose == 2) this.purposes |= FOR_CLIENTS;
      else if (purpose == 9) this.purposes |= FOR_OCSP;
    }
    return derLeave(outer);
  }

  private takeAuthorityKey(): bool {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return false;
    if (derPeek() == DER_IMPLICIT_0) {
      this.authorityKey = derTake(DER_IMPLICIT_0);
      this.authorityKeyLength = derLength;
    }
    return derSkipRest() && derLeave(outer);
  }
}

/** Leaves an extension that is not looked at. */
function passOver(value: usize, outer: usize): CertificateFault {
  // Its content need not be DER, so the rest of the octet string is skipped unread.
  derDropRest();
  return derLeave(value) && derLeave(outer) ? CertificateFault.None : CertificateFault.Malformed;
}

/** 1 or 0; -1: malformed. */
function takeBoolean(): i32 {
  const value = derTake(DER_BOOLEAN);
  if (value == 0 || derLength != 1) return -1;
  const byte = load<u8>(value);
  return byte == 0xff ? 1 : byte == 0 ? 0 : -1;
}
