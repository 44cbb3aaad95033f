// Whether the terms on which a client was let in still hold. A connection can live for days, and in that time who is trusted
// is edited, lists name certificates, and certificates end.
import { wallMillis } from '../runtime/host';
import { Server } from '../tlcp/server';
import { holdsUnder } from '../tlcp/standing';
import { ConnectionPolicy, policyInForce } from './policy';

const MILLIS: i64 = 1000;

export class Standing {
  /** Certificates that had been found revoked when it came. */
  private readonly shuns: u32;

  /** `under`: terms that it was found to hold under. */
  constructor(public under: ConnectionPolicy) {
    this.shuns = under.settings.revocation.answers.shuns;
  }

  /** Whether it holds now. Its certificates are verified anew where other things are asked of clients than were. */
  holds(core: Server): bool {
    const policy = policyInForce();
    const terms = policy == null ? this.under : policy;
    const settings = terms.settings;
    const peer = core.peerSign;
    if (peer != null) {
      settings.now = wallMillis() / MILLIS;
      if (settings.now > peer.notAfter || settings.revocation.answers.isShunnedSince(peer, this.shuns)) return false;
    }
    if (terms === this.under) return true;
    if (!terms.hasTermsOf(this.under)) {
      settings.now = wallMillis() / MILLIS;
      if (!holdsUnder(core, settings)) return false;
    }
    this.under = terms;
    return true;
  }
}
