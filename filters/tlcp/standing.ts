// Whether a client that was let in would be let in under the terms of today.
import { Chain } from '../x509/chain';
import { FOR_CLIENTS } from '../x509/extensions';
import { CertificateFault } from '../x509/fault';
import { Verdict } from '../x509/revocation';
import { Server } from './server';
import { Settings } from './settings';

/**
 * Whether an open connection holds under other settings, whose clock says now. A certificate for which a responder would have
 * to be asked does not; of a client whose session came by a ticket only the certificate for signatures is known, which must
 * then be one of an anchor's own.
 */
export function holdsUnder(server: Server, settings: Settings): bool {
  const peer = server.peerSign;
  if (peer == null) return !settings.demandsClients;
  const chain = knownOf(server);
  if (chain == null || chain.verify(settings.anchors, FOR_CLIENTS, settings.now) != CertificateFault.None) return false;
  if (!chain.lasts(settings.now + settings.leastSeconds)) return false;
  const revocation = settings.revocation;
  if (!revocation.isUsed) return true;
  for (let i = 0; i < chain.links.length; i += 2)
    if (revocation.judge(chain.links[i], chain.links[i + 1], settings.now) != Verdict.Good) return false;
  return true;
}

function knownOf(server: Server): Chain | null {
  const known = server.peerChain;
  if (known != null) return known;
  const peer = server.peerSign!;
  const alone = new Chain();
  if (alone.add(peer.der, peer.length) != CertificateFault.None) return null;
  return alone.choosePair(false) == CertificateFault.None ? alone : null;
}
