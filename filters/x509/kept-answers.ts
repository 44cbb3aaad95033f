// Answers of OCSP responders that are kept, for all configurations of a machine: what was heard of a certificate does not
// depend on who asked.
import { MAX_KEPT_ANSWERS } from '../limits';
import { Sm3 } from '../crypto/sm3';
import { Certificate } from './certificate';
import { OcspAnswer, OcspStatus } from './ocsp-response';

const DIGEST: usize = memory.data(32, 16);
const sm3: Sm3 = new Sm3();

/** An answer that is kept. */
export class Kept {
  readonly digest: StaticArray<u8> = new StaticArray<u8>(32);
  status: OcspStatus = OcspStatus.Unknown;
  thisUpdate: i64 = 0;
  nextUpdate: i64 = 0;
}

/** Names a certificate at DIGEST: by its issuer's key and its number. */
function nameIt(certificate: Certificate, issuer: Certificate): u64 {
  sm3.reset();
  sm3.update(issuer.key.coordinates, 64);
  sm3.update(certificate.serial, certificate.serialLength);
  sm3.digest(DIGEST);
  return load<u64>(DIGEST);
}

/** Names a certificate without its issuer at hand, as a resumed session has it. */
function ownName(certificate: Certificate): u64 {
  sm3.hash(certificate.der, certificate.length, DIGEST);
  return load<u64>(DIGEST);
}

/** The latest numbers, MAX_KEPT_ANSWERS of them: one more pushes out the oldest. */
class Ring {
  private readonly keys: StaticArray<u64> = new StaticArray<u64>(MAX_KEPT_ANSWERS);
  private next: i32 = 0;

  /** Takes a number in. Returns the one that it pushes out; 0: none. */
  push(key: u64): u64 {
    const oldest = unchecked(this.keys[this.next]);
    unchecked((this.keys[this.next] = key));
    this.next = (this.next + 1) % MAX_KEPT_ANSWERS;
    return oldest;
  }
}

export class KeptAnswers {
  private readonly answers: Map<u64, Kept> = new Map<u64, Kept>();
  private readonly order: Ring = new Ring();
  /** Certificates that were found revoked, and which one in turn each was, from 1 on. */
  private readonly shunned: Map<u64, u32> = new Map<u64, u32>();
  /** How many were. */
  shuns: u32 = 0;
  private readonly shunnedOrder: Ring = new Ring();

  find(certificate: Certificate, issuer: Certificate): Kept | null {
    const key = nameIt(certificate, issuer);
    if (!this.answers.has(key)) return null;
    const kept = this.answers.get(key);
    return memory.compare(changetype<usize>(kept.digest), DIGEST, 32) == 0 ? kept : null;
  }

  /**
   * Keeps an answer. Returns what counts now: an older answer that somebody plays again makes nothing good of which a
   * newer one said otherwise.
   */
  keep(answer: OcspAnswer, certificate: Certificate, issuer: Certificate): OcspStatus {
    let kept = this.find(certificate, issuer);
    if (!kept) {
      kept = new Kept();
      const key = load<u64>(DIGEST);
      memory.copy(changetype<usize>(kept.digest), DIGEST, 32);
      this.answers.delete(this.order.push(key));
      this.answers.set(key, kept);
    }
    if (answer.thisUpdate < kept.thisUpdate && kept.status != OcspStatus.Good) return kept.status;
    kept.status = answer.status;
    kept.thisUpdate = max(answer.thisUpdate, kept.thisUpdate);
    kept.nextUpdate = answer.nextUpdate;
    if (answer.status == OcspStatus.Revoked) this.shun(certificate);
    else this.shunned.delete(ownName(certificate));
    return answer.status;
  }

  /** Sessions of the certificate are not resumed any more: it was found revoked, or the other of its pair. */
  shun(certificate: Certificate): void {
    const own = ownName(certificate);
    if (!this.shunned.has(own)) this.shunned.delete(this.shunnedOrder.push(own));
    this.shunned.set(own, ++this.shuns);
  }

  isShunned(certificate: Certificate): bool {
    return this.shunned.size > 0 && this.shunned.has(ownName(certificate));
  }

  /** Whether it was found revoked since there were so many `shuns`. One that was let in later was judged anew. */
  isShunnedSince(certificate: Certificate, shuns: u32): bool {
    if (this.shuns == shuns) return false;
    const own = ownName(certificate);
    return this.shunned.has(own) && this.shunned.get(own) > shuns;
  }
}
