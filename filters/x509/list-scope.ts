// Scope of a revocation list, by its extensions (RFC 5280, 5.2): all certificates of its issuer, or those of one
// distribution point, of authorities or of others alone.
import {
  DER_CONTEXT_0,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derDropRest,
  derEnter,
  derHere,
  derLeave,
  derLength,
  derOpen,
  derPeek,
  derSkipRest,
  derTake,
} from '../crypto/der';
import { Certificate } from './certificate';
import { ListFault } from './list-fault';

const DER_BOOLEAN: u32 = 0x01;
const DER_IMPLICIT_0: u32 = 0x80;
const ID_EXTENSION: u16 = 0x1d55; // 2.5.29, then one byte
const LIST_NUMBER: u8 = 20;
const REASON: u8 = 21;
const INVALIDITY_DATE: u8 = 24;
const DELTA: u8 = 27;
const SCOPE: u8 = 28;
const CERTIFICATE_ISSUER: u8 = 29;
const AUTHORITY_KEY: u8 = 35;

/**
 * Members of the scope: onlyContainsUserCerts, onlyContainsCACerts, onlySomeReasons, indirectCRL,
 * onlyContainsAttributeCerts.
 */
const ONLY_USERS: u32 = 0x81;
const ONLY_AUTHORITIES: u32 = 0x82;
const SOME_REASONS: u32 = 0x83;
const INDIRECT: u32 = 0x84;
const ONLY_ATTRIBUTES: u32 = 0x85;

/** Criticality of the last extension that `enterExtension` opened. */
let isCritical: bool = false;
/** Its kind below 2.5.29; 0: another. */
let kind: u8 = 0;
let outerExtension: usize = 0;

/** Opens an extension up to its value. Argument for `leaveExtension`; 0: malformed. */
function enterExtension(): usize {
  outerExtension = derEnter(DER_SEQUENCE);
  const oid = outerExtension == 0 ? <usize>0 : derTake(DER_OID);
  if (oid == 0) return 0;
  kind = derLength == 3 && load<u16>(oid) == ID_EXTENSION ? load<u8>(oid, 2) : 0;
  isCritical = false;
  if (derPeek() == DER_BOOLEAN) {
    const value = derTake(DER_BOOLEAN);
    if (value == 0 || derLength != 1) return 0;
    isCritical = load<u8>(value) != 0;
  }
  return derEnter(DER_OCTET_STRING);
}

function leaveExtension(value: usize): bool {
  return derLeave(value) && derLeave(outerExtension);
}

export class ListScope {
  private onlyUsers: bool = false;
  private onlyAuthorities: bool = false;
  /** Names of the distribution point; 0: none is named. */
  private point: usize = 0;
  private pointLength: u32 = 0;
  private authorityKey: usize = 0;
  private authorityKeyLength: u32 = 0;

  /** Reads the list's extensions, from the reader. */
  take(): ListFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return ListFault.Malformed;
    while (!derAtEnd()) {
      const value = enterExtension();
      if (value == 0) return ListFault.Malformed;
      if (kind == DELTA) return ListFault.Delta;
      if (kind == SCOPE) {
        const fault = this.takeScope();
        if (fault != ListFault.None) return fault;
      } else if (kind == AUTHORITY_KEY) {
        if (!this.takeAuthorityKey()) return ListFault.Malformed;
      } else if (isCritical && kind != LIST_NUMBER) return ListFault.CriticalExtension;
      else derDropRest();
      if (!leaveExtension(value)) return ListFault.Malformed;
    }
    return derLeave(outer) ? ListFault.None : ListFault.Malformed;
  }

  /** Reads the extensions of one entry: a reason does not matter, another issuer does. */
  static takeEntry(): ListFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return ListFault.Malformed;
    while (!derAtEnd()) {
      const value = enterExtension();
      if (value == 0) return ListFault.Malformed;
      if (kind == CERTIFICATE_ISSUER) return ListFault.Indirect;
      if (isCritical && kind != REASON && kind != INVALIDITY_DATE) return ListFault.CriticalExtension;
      derDropRest();
      if (!leaveExtension(value)) return ListFault.Malformed;
    }
    return derLeave(outer) ? ListFault.None : ListFault.Malformed;
  }

  /** Whether it is about a certificate of the list's issuer. */
  covers(certificate: Certificate): bool {
    const isAuthority = certificate.extensions.isAuthority;
    if ((this.onlyUsers && isAuthority) || (this.onlyAuthorities && !isAuthority)) return false;
    return this.point == 0 || this.sharesPoint(certificate);
  }

  /** Whether the list may be under `issuer`'s key, if both name keys. */
  isUnderKey(issuer: Certificate): bool {
    const has = issuer.extensions;
    if (this.authorityKeyLength == 0 || has.subjectKeyLength == 0) return true;
    return (
      this.authorityKeyLength == has.subjectKeyLength &&
      memory.compare(this.authorityKey, has.subjectKey, has.subjectKeyLength) == 0
    );
  }

  equals(other: ListScope): bool {
    return (
      this.onlyUsers == other.onlyUsers &&
      this.onlyAuthorities == other.onlyAuthorities &&
      this.pointLength == other.pointLength &&
      memory.compare(this.point, other.point, this.pointLength) == 0
    );
  }

  private takeScope(): ListFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return ListFault.Malformed;
    if (derPeek() == DER_CONTEXT_0) {
      const choice = derEnter(DER_CONTEXT_0);
      // fullName; a name relative to the issuer's is used by nobody that is known.
      const names = choice == 0 ? <usize>0 : derEnter(DER_CONTEXT_0);
      if (names == 0) return ListFault.Partial;
      this.point = derHere();
      this.pointLength = derLength;
      if (!derSkipRest() || !derLeave(names) || !derLeave(choice)) return ListFault.Malformed;
    }
    while (!derAtEnd()) {
      const tag = derPeek();
      const value = derTake(tag);
      if (value == 0 || tag < ONLY_USERS || tag > ONLY_ATTRIBUTES) return ListFault.Malformed;
      if (tag == SOME_REASONS) return ListFault.Partial;
      if (derLength != 1) return ListFault.Malformed;
      if (load<u8>(value) == 0) continue;
      if (tag == INDIRECT) return ListFault.Indirect;
      if (tag == ONLY_ATTRIBUTES) return ListFault.Partial;
      if (tag == ONLY_USERS) this.onlyUsers = true;
      else if (tag == ONLY_AUTHORITIES) this.onlyAuthorities = true;
    }
    return derLeave(outer) ? ListFault.None : ListFault.Malformed;
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

  /** Whether the certificate names one of the names of the distribution point. */
  private sharesPoint(certificate: Certificate): bool {
    const points = certificate.extensions.listPoints;
    if (points == 0) return false;
    derOpen(points, certificate.extensions.listPointsLength);
    const outer = derEnter(DER_SEQUENCE);
    while (outer != 0 && !derAtEnd()) {
      const point = derEnter(DER_SEQUENCE);
      if (point == 0) return false;
      if (derPeek() == DER_CONTEXT_0) {
        const choice = derEnter(DER_CONTEXT_0);
        if (choice != 0 && derPeek() == DER_CONTEXT_0) {
          const names = derEnter(DER_CONTEXT_0);
          while (names != 0 && !derAtEnd()) {
            const start = derHere();
            if (derTake(derPeek()) == 0) return false;
            if (this.hasName(start, <u32>(derHere() - start))) return true;
          }
          if (names == 0 || !derLeave(names)) return false;
        } else derDropRest();
        if (choice == 0 || !derLeave(choice)) return false;
      }
      derDropRest();
      derLeave(point);
    }
    return false;
  }

  /** Whether a general name is one of the point's. Their headers have been read. */
  private hasName(name: usize, length: u32): bool {
    for (let at: u32 = 0; at < this.pointLength;) {
      const first = <u32>load<u8>(this.point + at, 1);
      let size: u32 = first;
      let header: u32 = 2;
      if (first >= 0x80) {
        header = 2 + (first & 0x7f);
        size = 0;
        for (let i: u32 = 2; i < header; i++) size = (size << 8) | load<u8>(this.point + at + i);
      }
      const whole = header + size;
      if (whole > this.pointLength - at) return false;
      if (whole == length && memory.compare(this.point + at, name, length) == 0) return true;
      at += whole;
    }
    return false;
  }
}
