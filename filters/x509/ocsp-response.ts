// An answer of an OCSP responder (RFC 6960, 4.2) about one certificate, signed with SM2 and SM3 by the issuer or by a
// responder that it delegated to. What it says counts only if all of it is right.
import { MAX_CLOCK_AHEAD_SECONDS, MAX_ENDLESS_ANSWER_SECONDS, MAX_OCSP_ANSWER_BYTES } from '../limits';
import {
  DER_BIT_STRING,
  DER_CONTEXT_0,
  DER_CONTEXT_1,
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
  derTake,
  derTakeBits,
  derTakeOid,
  derTakeSmall,
} from '../crypto/der';
import { sha1, SHA1_BYTES } from '../crypto/sha1';
import { DEFAULT_ID, DEFAULT_ID_BYTES, sm2Verify } from '../crypto/sm2';
import { sm2SignatureFromDer } from '../crypto/sm2-signature';
import { Certificate, takeSignatureAlgorithm } from './certificate';
import { FOR_ANYTHING, FOR_OCSP } from './extensions';
import { CertificateFault } from './fault';
import { takeId } from './ocsp-id';
import { NONCE_BYTES, OID_NONCE, OID_NONCE_BYTES } from './ocsp-request';
import { derTakeTime, NO_TIME } from './time';

const DER_ENUMERATED: u32 = 0x0a;
const DER_CONTEXT_2: u32 = 0xa2;
const DER_GOOD: u32 = 0x80;
const DER_REVOKED: u32 = 0xa1;
const DER_UNKNOWN: u32 = 0x82;
const DER_BOOLEAN: u32 = 0x01;

/** A responder's answer about a certificate. */
export const enum OcspStatus {
  Good = 0,
  Revoked = 1,
  Unknown = 2,
}

/** Why an answer counts as none. Numbers are handed out by `tlcp.wasm`. */
export const enum OcspFault {
  None = 0,
  Malformed = 1,
  TooLarge = 2,
  /** The responder says that it cannot answer: `responseStatus`. */
  NotAnswered = 3,
  /** Not signed with SM2 and SM3. */
  Algorithm = 4,
  /** Nobody who may answer: not the issuer, nor one that it delegated to. */
  Responder = 5,
  Signature = 6,
  /** Another nonce than was sent, or none where there must be one. */
  Nonce = 7,
  /** It is about other certificates. */
  OtherCertificate = 8,
  NotYetValid = 9,
  Expired = 10,
  /** No answer came in time, or the call failed. */
  NoAnswer = 11,
  CriticalExtension = 12,
}

/** 1.3.6.1.5.5.7.48.1.1 */
const OID_BASIC: usize = memory.data<u8>([0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]);
const OID_BASIC_BYTES: u32 = 9;
const RAW_SIGNATURE: usize = memory.data(64, 16);
const KEY_DIGEST: usize = memory.data(32, 16);

export class OcspAnswer {
  status: OcspStatus = OcspStatus.Unknown;
  /** Seconds since 1970-01-01; `nextUpdate` is when it ends in any case. */
  thisUpdate: i64 = 0;
  nextUpdate: i64 = 0;
  private found: bool = false;
  private hasNonce: bool = false;
  private nonceIsRight: bool = false;
  private signed: usize = 0;
  private signedLength: u32 = 0;
  private signature: usize = 0;
  private signatureLength: u32 = 0;
  private byName: usize = 0;
  private byKey: usize = 0;
  private responderLength: u32 = 0;
  private certificates: usize = 0;
  private certificatesLength: u32 = 0;

  /** Reads and verifies an answer about `certificate`. `nonce`: the one that was sent. */
  read(
    der: usize,
    length: u32,
    certificate: Certificate,
    issuer: Certificate,
    nonce: usize,
    needsNonce: bool,
    now: i64,
  ): OcspFault {
    if (length > MAX_OCSP_ANSWER_BYTES) return OcspFault.TooLarge;
    derOpen(der, length);
    let fault = this.readOuter(certificate, issuer, nonce);
    if (fault != OcspFault.None) return fault;
    fault = this.verify(issuer, now);
    if (fault != OcspFault.None) return fault;
    if (this.hasNonce ? !this.nonceIsRight : needsNonce) return OcspFault.Nonce;
    if (!this.found) return OcspFault.OtherCertificate;
    if (this.thisUpdate > now + MAX_CLOCK_AHEAD_SECONDS) return OcspFault.NotYetValid;
    return now > this.nextUpdate ? OcspFault.Expired : OcspFault.None;
  }

  private readOuter(certificate: Certificate, issuer: Certificate, nonce: usize): OcspFault {
    const outer = derEnter(DER_SEQUENCE);
    const status = outer == 0 ? <usize>0 : derTake(DER_ENUMERATED);
    if (status == 0 || derLength != 1) return OcspFault.Malformed;
    if (load<u8>(status) != 0) return OcspFault.NotAnswered;
    const bytes = derEnter(DER_CONTEXT_0);
    const typed = bytes == 0 ? <usize>0 : derEnter(DER_SEQUENCE);
    if (typed == 0 || !derTakeOid(OID_BASIC, OID_BASIC_BYTES)) return OcspFault.Malformed;
    const text = derEnter(DER_OCTET_STRING);
    const basic = text == 0 ? <usize>0 : derEnter(DER_SEQUENCE);
    if (basic == 0) return OcspFault.Malformed;
    const fault = this.readBasic(certificate, issuer, nonce);
    if (fault != OcspFault.None) return fault;
    const whole = derLeave(basic) && derLeave(text) && derLeave(typed) && derLeave(bytes) && derLeave(outer);
    return whole && derAtEnd() ? OcspFault.None : OcspFault.Malformed;
  }

  private readBasic(certificate: Certificate, issuer: Certificate, nonce: usize): OcspFault {
    this.signed = derHere();
    const signed = derEnter(DER_SEQUENCE);
    if (signed == 0) return OcspFault.Malformed;
    this.signedLength = <u32>(derHere() - this.signed) + derLength;
    const fault = this.readSigned(certificate, issuer, nonce);
    if (fault != OcspFault.None) return fault;
    if (!derLeave(signed)) return OcspFault.Malformed;
    const algorithm = takeSignatureAlgorithm();
    if (algorithm == CertificateFault.Algorithm) return OcspFault.Algorithm;
    if (algorithm != CertificateFault.None) return OcspFault.Malformed;
    this.signature = derTakeBits(DER_BIT_STRING);
    this.signatureLength = derLength;
    if (this.signature == 0) return OcspFault.Malformed;
    if (derAtEnd()) return OcspFault.None;
    const given = derEnter(DER_CONTEXT_0);
    this.certificates = given == 0 ? <usize>0 : derTake(DER_SEQUENCE);
    this.certificatesLength = derLength;
    return this.certificates != 0 && derLeave(given) ? OcspFault.None : OcspFault.Malformed;
  }

  private readSigned(certificate: Certificate, issuer: Certificate, nonce: usize): OcspFault {
    if (derPeek() == DER_CONTEXT_0) {
      // A default that is written out.
      const version = derEnter(DER_CONTEXT_0);
      if (version == 0 || !derTakeSmall(0) || !derLeave(version)) return OcspFault.Malformed;
    }
    const kind = derPeek();
    if (kind != DER_CONTEXT_1 && kind != DER_CONTEXT_2) return OcspFault.Malformed;
    const choice = derEnter(kind);
    const responder = choice == 0 ? <usize>0 : derTake(kind == DER_CONTEXT_1 ? DER_SEQUENCE : DER_OCTET_STRING);
    this.responderLength = derLength;
    if (responder == 0 || !derLeave(choice)) return OcspFault.Malformed;
    if (kind == DER_CONTEXT_1) this.byName = responder;
    else this.byKey = responder;
    if (derTakeTime() == NO_TIME) return OcspFault.Malformed;
    const list = derEnter(DER_SEQUENCE);
    if (list == 0) return OcspFault.Malformed;
    while (!derAtEnd()) {
      const fault = this.readOne(certificate, issuer);
      if (fault != OcspFault.None) return fault;
    }
    if (!derLeave(list)) return OcspFault.Malformed;
    if (derAtEnd()) return OcspFault.None;
    const extensions = derEnter(DER_CONTEXT_1);
    if (extensions == 0) return OcspFault.Malformed;
    const fault = this.readExtensions(nonce);
    if (fault != OcspFault.None) return fault;
    return derLeave(extensions) ? OcspFault.None : OcspFault.Malformed;
  }

  /** Reads the answer about one certificate; that of the first that is ours is kept. */
  private readOne(certificate: Certificate, issuer: Certificate): OcspFault {
    const outer = derEnter(DER_SEQUENCE);
    const isOurs = outer == 0 ? -1 : takeId(certificate, issuer);
    const tag = derPeek();
    if (isOurs < 0 || (tag != DER_GOOD && tag != DER_REVOKED && tag != DER_UNKNOWN)) return OcspFault.Malformed;
    if (derTake(tag) == 0 || (tag != DER_REVOKED && derLength != 0)) return OcspFault.Malformed;
    const thisUpdate = derTakeTime();
    if (thisUpdate == NO_TIME) return OcspFault.Malformed;
    let nextUpdate = thisUpdate + MAX_ENDLESS_ANSWER_SECONDS;
    if (derPeek() == DER_CONTEXT_0) {
      const next = derEnter(DER_CONTEXT_0);
      nextUpdate = derTakeTime();
      if (next == 0 || nextUpdate == NO_TIME || !derLeave(next)) return OcspFault.Malformed;
    }
    if (derPeek() == DER_CONTEXT_1) {
      const extensions = derEnter(DER_CONTEXT_1);
      if (extensions == 0) return OcspFault.Malformed;
      const fault = this.readExtensions(0);
      if (fault != OcspFault.None) return fault;
      if (!derLeave(extensions)) return OcspFault.Malformed;
    }
    if (!derLeave(outer)) return OcspFault.Malformed;
    if (isOurs == 0 || this.found) return OcspFault.None;
    this.found = true;
    this.status = tag == DER_GOOD ? OcspStatus.Good : tag == DER_REVOKED ? OcspStatus.Revoked : OcspStatus.Unknown;
    this.thisUpdate = thisUpdate;
    this.nextUpdate = nextUpdate;
    return OcspFault.None;
  }

  /** Extensions of the answer or, without `nonce`, of one certificate's part. */
  private readExtensions(nonce: usize): OcspFault {
    const outer = derEnter(DER_SEQUENCE);
    if (outer == 0) return OcspFault.Malformed;
    while (!derAtEnd()) {
      const one = derEnter(DER_SEQUENCE);
      const oid = one == 0 ? <usize>0 : derTake(DER_OID);
      if (oid == 0) return OcspFault.Malformed;
      const isNonce =
        nonce != 0 && derLength == OID_NONCE_BYTES && memory.compare(oid, OID_NONCE, OID_NONCE_BYTES) == 0;
      let critical = false;
      if (derPeek() == DER_BOOLEAN) {
        const flag = derTake(DER_BOOLEAN);
        if (flag == 0 || derLength != 1) return OcspFault.Malformed;
        critical = load<u8>(flag) != 0;
      }
      const value = derEnter(DER_OCTET_STRING);
      if (value == 0) return OcspFault.Malformed;
      if (isNonce) {
        if (this.hasNonce) return OcspFault.Malformed;
        this.hasNonce = true;
        const said = derTake(DER_OCTET_STRING);
        this.nonceIsRight = said != 0 && derLength == NONCE_BYTES && memory.compare(said, nonce, NONCE_BYTES) == 0;
      } else if (critical) return OcspFault.CriticalExtension;
      derDropRest();
      if (!derLeave(value) || !derLeave(one)) return OcspFault.Malformed;
    }
    return derLeave(outer) ? OcspFault.None : OcspFault.Malformed;
  }

  /** By the issuer itself, or by a certificate in the answer that the issuer made for this. */
  private verify(issuer: Certificate, now: i64): OcspFault {
    if (!sm2SignatureFromDer(this.signature, this.signatureLength, RAW_SIGNATURE)) return OcspFault.Signature;
    if (this.isResponder(issuer)) return this.isSignedBy(issuer) ? OcspFault.None : OcspFault.Signature;
    if (this.certificates == 0) return OcspFault.Responder;
    let at = this.certificates;
    const end = at + this.certificatesLength;
    while (at < end) {
      derOpen(at, <u32>(end - at));
      const content = derTake(DER_SEQUENCE);
      if (content == 0) return OcspFault.Malformed;
      const next = content + derLength;
      const length = <u32>(next - at);
      const given = Certificate.parse(at, length);
      at = next;
      if (!given || !this.isResponder(given)) continue;
      if (given.extensions.purposes == FOR_ANYTHING || (given.extensions.purposes & FOR_OCSP) == 0)
        return OcspFault.Responder;
      if (now < given.notBefore || now > given.notAfter) return OcspFault.Responder;
      if (!given.mayBeFrom(issuer) || !given.isSignedBy(issuer)) return OcspFault.Responder;
      return this.isSignedBy(given) ? OcspFault.None : OcspFault.Signature;
    }
    return OcspFault.Responder;
  }

  /** Whether the answer says that this one signed it. */
  private isResponder(one: Certificate): bool {
    if (this.byName != 0)
      return (
        this.responderLength == one.subjectLength && memory.compare(this.byName, one.subject, one.subjectLength) == 0
      );
    sha1(one.keyBits, one.keyBitsLength, KEY_DIGEST);
    return this.responderLength == SHA1_BYTES && memory.compare(this.byKey, KEY_DIGEST, SHA1_BYTES) == 0;
  }

  private isSignedBy(one: Certificate): bool {
    return sm2Verify(one.key, DEFAULT_ID, DEFAULT_ID_BYTES, this.signed, this.signedLength, RAW_SIGNATURE);
  }
}
