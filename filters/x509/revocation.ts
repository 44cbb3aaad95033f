// Whether certificates were revoked: by the lists that are held and the answers of responders that are kept, and what
// is done when neither says (the declared fallback). One object for a listener or a client; the host refreshes the
// lists and carries questions.
import { MAX_CLOCK_AHEAD_SECONDS, MAX_LIST_BYTES, MAX_LISTS } from '../limits';
import { hasPem, pemDecode, pemIs, pemNext, pemOpen } from '../crypto/pem';
import { Sm3 } from '../crypto/sm3';
import { Certificate } from './certificate';
import { KeptAnswers } from './kept-answers';
import { ListFault } from './list-fault';
import { IdDigest } from './ocsp-id';
import { OcspAnswer, OcspStatus } from './ocsp-response';
import { listFault, RevocationList } from './revocation-list';

/** Verdict where nothing current says whether a certificate was revoked. */
export const enum Fallback {
  Refuse = 0,
  Accept = 1,
  /** Accepted if the last thing that was heard of it, however old, was good. */
  LastGood = 2,
}

export const enum Verdict {
  Good = 0,
  Revoked = 1,
  /** Nothing says, and the fallback refuses; or a responder does not know the certificate. */
  Unknown = 2,
  /** A responder is to be asked. */
  Ask = 3,
}

/** Counters, by number. */
export const enum RevocationCount {
  Revoked = 0,
  /** Refused because nothing said. */
  Refused = 1,
  /** Accepted though nothing said. */
  Accepted = 2,
  /** Accepted by what was last heard. */
  LastGood = 3,
  Asked = 4,
  Answered = 5,
}
export const REVOCATION_COUNTERS: i32 = 6;

const LABEL: usize = memory.data<u8>([0x58, 0x35, 0x30, 0x39, 0x20, 0x43, 0x52, 0x4c]); // X509 CRL
const LABEL_BYTES: u32 = 8;
const PEM_ROOM_BYTES: u32 = 16;
const RULES: usize = memory.data(4);

export class Revocation {
  fallback: Fallback = Fallback.Refuse;
  /** Whether certificates that no list is about are asked for. */
  asksResponders: bool = false;
  /**
   * Whether an answer without the nonce that was sent counts as none. Many responders sign their answers beforehand.
   */
  needsNonce: bool = false;
  /** Name of the certificate in a question. */
  digest: IdDigest = IdDigest.Sha1;
  readonly counts: StaticArray<u32> = new StaticArray<u32>(REVOCATION_COUNTERS);
  private usesLists: bool = false;
  private readonly lists: Array<RevocationList> = [];
  /** A host that makes one object after another, as configurations change, gives all of them the same answers. */
  answers: KeptAnswers = new KeptAnswers();

  /** Whether anything is looked at at all. */
  get isUsed(): bool {
    return this.usesLists || this.asksResponders;
  }

  /** Takes into a digest what verdicts depend on, but for answers. */
  digestTo(sm3: Sm3): void {
    store<u8>(RULES, this.isUsed ? 1 : 0);
    store<u8>(RULES, <u8>this.fallback, 1);
    store<u8>(RULES, this.asksResponders ? 1 : 0, 2);
    store<u8>(RULES, this.needsNonce ? 1 : 0, 3);
    sm3.update(RULES, 4);
    for (let i = 0; i < this.lists.length; i++) unchecked(this.lists[i]).digestTo(sm3);
  }

  count(which: RevocationCount): void {
    unchecked((this.counts[which] = this.counts[which] + 1));
  }

  /**
   * Takes the lists of a text (PEM, or one as DER), each in the place of an older one of the same issuer and part. From
   * the first on every certificate needs a list or an answer. Lists before a fault have been taken.
   */
  addLists(text: usize, length: u32): ListFault {
    this.usesLists = true;
    if (!hasPem(text, length)) return this.addList(text, length);
    const der = heap.alloc(length + PEM_ROOM_BYTES);
    let fault = ListFault.Missing;
    pemOpen(text, length);
    while (pemNext()) {
      if (!pemIs(LABEL, LABEL_BYTES)) continue;
      const bytes = pemDecode(der);
      fault = bytes <= 0 ? ListFault.Malformed : this.addList(der, bytes);
      if (fault != ListFault.None) break;
    }
    heap.free(der);
    return fault;
  }

  private addList(der: usize, length: u32): ListFault {
    if (length > MAX_LIST_BYTES) return ListFault.TooLarge;
    const list = RevocationList.parse(der, length);
    if (!list) return listFault;
    for (let i = 0; i < this.lists.length; i++) {
      const held = unchecked(this.lists[i]);
      if (!list.isLike(held)) continue;
      if (list.thisUpdate < held.thisUpdate) return ListFault.Older;
      // A list that somebody else made does not push out one that was found right.
      if (!list.mayReplace(held)) return ListFault.Signature;
      unchecked((this.lists[i] = list));
      return ListFault.None;
    }
    if (this.lists.length >= MAX_LISTS) return ListFault.NoRoom;
    this.lists.push(list);
    return ListFault.None;
  }

  /**
   * Whether a list names a certificate, verified or not, or it was found revoked: for sessions,
   * where a forged list costs a full handshake.
   */
  isListed(certificate: Certificate): bool {
    if (this.answers.isShunned(certificate)) return true;
    for (let i = 0; i < this.lists.length; i++) {
      const list = unchecked(this.lists[i]);
      if (list.isAbout(certificate) && list.names(certificate.serial, certificate.serialLength)) return true;
    }
    return false;
  }

  /** Judges a certificate whose issuer was verified. */
  judge(certificate: Certificate, issuer: Certificate, now: i64): Verdict {
    let isCovered = false;
    for (let i = 0; i < this.lists.length; i++) {
      const list = unchecked(this.lists[i]);
      if (!list.isAbout(certificate) || !list.isSignedBy(issuer)) continue;
      if (list.names(certificate.serial, certificate.serialLength)) return this.revoked();
      if (list.thisUpdate <= now + MAX_CLOCK_AHEAD_SECONDS && now <= list.nextUpdate) isCovered = true;
    }
    if (isCovered) return Verdict.Good;
    if (!this.asksResponders) return this.fallBack(certificate, issuer);
    const kept = this.answers.find(certificate, issuer);
    if (!kept || now > kept.nextUpdate) return Verdict.Ask;
    return this.verdictOf(kept.status);
  }

  /**
   * Until when what is known says that none of a chain was revoked, seconds since 1970-01-01. `links`: as `Chain` has
   * them. In the past where the fallback decided: the next handshake has to look again.
   */
  endOf(links: Array<Certificate>, now: i64): i64 {
    let end = i64.MAX_VALUE;
    if (this.isUsed)
      for (let i = 0; i < links.length; i += 2) end = min(end, this.endOfOne(links[i], links[i + 1], now));
    return end;
  }

  private endOfOne(certificate: Certificate, issuer: Certificate, now: i64): i64 {
    let end: i64 = i64.MIN_VALUE;
    for (let i = 0; i < this.lists.length; i++) {
      const list = unchecked(this.lists[i]);
      if (list.isAbout(certificate) && list.isSignedBy(issuer)) end = max(end, list.nextUpdate);
    }
    if (end >= now || !this.asksResponders) return end;
    const kept = this.answers.find(certificate, issuer);
    return kept ? kept.nextUpdate : i64.MIN_VALUE;
  }

  /** Keeps an answer, and says what it means. */
  keep(answer: OcspAnswer, certificate: Certificate, issuer: Certificate): Verdict {
    this.count(RevocationCount.Answered);
    return this.verdictOf(this.answers.keep(answer, certificate, issuer));
  }

  /** Nothing current says: the declared fallback. What was known as revoked stays so. */
  fallBack(certificate: Certificate, issuer: Certificate): Verdict {
    const kept = this.answers.find(certificate, issuer);
    if (kept && kept.status == OcspStatus.Revoked) return this.revoked();
    if (this.fallback == Fallback.Accept) {
      this.count(RevocationCount.Accepted);
      return Verdict.Good;
    }
    const wasGood = kept ? kept.status == OcspStatus.Good : this.hasOldList(certificate, issuer);
    if (this.fallback == Fallback.LastGood && wasGood) {
      this.count(RevocationCount.LastGood);
      return Verdict.Good;
    }
    this.count(RevocationCount.Refused);
    return Verdict.Unknown;
  }

  private hasOldList(certificate: Certificate, issuer: Certificate): bool {
    for (let i = 0; i < this.lists.length; i++) {
      const list = unchecked(this.lists[i]);
      if (list.isAbout(certificate) && list.isSignedBy(issuer)) return true;
    }
    return false;
  }

  private verdictOf(status: OcspStatus): Verdict {
    if (status == OcspStatus.Good) return Verdict.Good;
    if (status == OcspStatus.Revoked) return this.revoked();
    this.count(RevocationCount.Refused);
    return Verdict.Unknown;
  }

  private revoked(): Verdict {
    this.count(RevocationCount.Revoked);
    return Verdict.Revoked;
  }
}
