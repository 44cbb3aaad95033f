// Revocation of the other side's certificates within a handshake: one after another, with a stop wherever a responder
// has to be asked. The host carries the question and brings the answer, or says that there is none.
import { randomBytes } from '../crypto/random';
import { Certificate } from '../x509/certificate';
import { CertificateFault } from '../x509/fault';
import { NONCE_BYTES, requestBytes, responderLength, responderOf, writeRequest } from '../x509/ocsp-request';
import { OcspAnswer, OcspFault } from '../x509/ocsp-response';
import { Revocation, RevocationCount, Verdict } from '../x509/revocation';
import { bytesOf } from './growing-bytes';

/** A question to a responder. */
export class Question {
  constructor(
    readonly certificate: Certificate,
    readonly issuer: Certificate,
    /** The request, DER: to be sent as `application/ocsp-request` by POST. */
    readonly request: StaticArray<u8>,
    /** URI that the certificate names; empty: none. */
    readonly responder: StaticArray<u8>,
    readonly nonce: StaticArray<u8>,
  ) {}
}

function ask(revocation: Revocation, certificate: Certificate, issuer: Certificate): Question {
  const nonce = new StaticArray<u8>(<i32>NONCE_BYTES);
  // Without randomness the nonce is all zero: the answer is signed and its times are checked all the same.
  randomBytes(changetype<usize>(nonce), NONCE_BYTES);
  const digest = revocation.digest;
  const request = new StaticArray<u8>(<i32>requestBytes(digest, certificate));
  writeRequest(changetype<usize>(request), digest, certificate, issuer, changetype<usize>(nonce));
  const place = responderOf(certificate);
  const responder = bytesOf(place, place == 0 ? 0 : responderLength);
  revocation.count(RevocationCount.Asked);
  return new Question(certificate, issuer, request, responder, nonce);
}

export class RevocationCheck {
  /** Questions to be answered before it can go on. */
  question: Question | null = null;
  /** Why the last answer counted as none. */
  answerFault: OcspFault = OcspFault.None;
  private at: i32 = 0;

  /** `links`: certificates and their issuers by turns, of a chain that was verified. */
  constructor(
    private readonly revocation: Revocation,
    private readonly links: Array<Certificate>,
  ) {}

  /** Judges until a question comes up or all are done: see `question`. A fault. */
  goOn(now: i64): CertificateFault {
    for (; this.at < this.links.length; this.at += 2) {
      const certificate = this.links[this.at];
      const issuer = this.links[this.at + 1];
      const verdict = this.revocation.judge(certificate, issuer, now);
      if (verdict == Verdict.Ask) {
        this.question = ask(this.revocation, certificate, issuer);
        return CertificateFault.None;
      }
      if (verdict != Verdict.Good) return this.faultOf(verdict);
    }
    return CertificateFault.None;
  }

  /** Takes an answer; no bytes: there is none. A fault; then `goOn`. */
  answer(der: usize, length: u32, now: i64): CertificateFault {
    const question = this.question;
    if (!question) return CertificateFault.None;
    this.question = null;
    this.at += 2;
    const certificate = question.certificate;
    const issuer = question.issuer;
    const answer = new OcspAnswer();
    const needsNonce = this.revocation.needsNonce;
    const nonce = changetype<usize>(question.nonce);
    this.answerFault =
      length == 0 ? OcspFault.NoAnswer : answer.read(der, length, certificate, issuer, nonce, needsNonce, now);
    const verdict =
      this.answerFault == OcspFault.None
        ? this.revocation.keep(answer, certificate, issuer)
        : this.revocation.fallBack(certificate, issuer);
    return this.faultOf(verdict);
  }

  private faultOf(verdict: Verdict): CertificateFault {
    if (verdict == Verdict.Revoked) {
      this.revocation.answers.shun(this.links[0]); // the certificate for signatures, by which sessions know their client
      return CertificateFault.Revoked;
    }
    return verdict == Verdict.Unknown ? CertificateFault.RevocationUnknown : CertificateFault.None;
  }
}
