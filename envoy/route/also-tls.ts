// Ordinary TLS beside national TLS on one port. What national TLS demands of clients holds for it as well, by trust of its
// own: Envoy's TLS knows no SM2.
import { X509Certificate } from 'node:crypto';
import { MAX_ORDINARY_TRUST } from '../limits.ts';
import type { ClientAuth, RouteTls } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { Report } from './schema-check.ts';

/** Ordinary TLS of a listener. */
export interface AlsoTls {
  clientAuth: ClientAuth;
  /** Authorities of clients, PEM. */
  trust?: string;
  /** Their revocation lists, PEM. */
  lists?: string;
}

const AT: Path = ['spec', 'tls', 'alsoTls'];
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g;
const LISTS = /^(?:\s*-----BEGIN X509 CRL-----[A-Za-z0-9+/=\s]+-----END X509 CRL-----)+\s*$/;

/** Whether every client of national TLS needs certificates. */
export function demandsClients({ cipherSuites, clientAuth }: RouteTls): boolean {
  return clientAuth === 'Required' || cipherSuites.every((suite) => suite.startsWith('ECDHE-'));
}

/** Request of a section. Undefined: nothing. */
export function alsoTlsOf(tls: RouteTls): AlsoTls | undefined {
  const { alsoTls } = tls;
  if (alsoTls === undefined) return undefined;
  const { trust, crl } = alsoTls;
  return {
    clientAuth: alsoTls.clientAuth ?? (demandsClients(tls) ? 'Required' : 'None'),
    ...(trust === undefined ? {} : { trust }),
    ...(crl === undefined ? {} : { lists: crl }),
  };
}

/** Checks that ordinary TLS is no way around national TLS, and that Envoy can use what it is given. */
export function checkAlsoTls(tls: RouteTls, report: Report): void {
  const also = alsoTlsOf(tls);
  if (also === undefined) return;
  const { clientAuth, trust, lists } = also;
  const asks = clientAuth !== 'None';
  if (demandsClients(tls) && clientAuth !== 'Required')
    report('FIM-CFG-1076', [...AT, 'clientAuth'], 'national TLS demands certificates of every client');
  if (asks && trust === undefined) report('FIM-CFG-1072', AT, 'ordinary TLS needs `trust` of its own');
  if (!asks && trust !== undefined) report('FIM-CFG-1077', [...AT, 'trust'], 'no client is asked for certificates');
  if (!asks && lists !== undefined) report('FIM-CFG-1077', [...AT, 'crl'], 'no client is asked for certificates');
  if (asks && lists === undefined && (tls.crl !== undefined || tls.ocsp !== undefined))
    report('FIM-CFG-1076', AT, 'national TLS looks at revocations, and ordinary TLS has no `crl`');
  if (asks && tls.minimumValidity !== undefined)
    report('FIM-CFG-1076', AT, '`minimumValidity` cannot be demanded of ordinary TLS');
  if (trust !== undefined) {
    const detail = mistakeOf(trust);
    if (detail !== undefined) report('FIM-CFG-1077', [...AT, 'trust'], detail);
  }
  if (lists !== undefined && !LISTS.test(lists)) report('FIM-CFG-1077', [...AT, 'crl'], 'revocation lists as PEM only');
}

/** Why Envoy could not go by these certificates. */
function mistakeOf(trust: string): string | undefined {
  const found = trust.match(CERTIFICATE) ?? [];
  if (found.length === 0) return 'there is no certificate in it';
  if (found.length > MAX_ORDINARY_TRUST) return `it has ${found.length} certificates, at most ${MAX_ORDINARY_TRUST}`;
  for (const [index, text] of found.entries()) {
    const detail = refusalOf(text);
    if (detail !== undefined) return `certificate ${index + 1} ${detail}`;
  }
  return undefined;
}

function refusalOf(text: string): string | undefined {
  try {
    const certificate = new X509Certificate(text);
    return isSm2(certificate) ? 'is of SM2, which Envoy cannot verify' : undefined;
  } catch {
    return 'cannot be read';
  }
}

/** Whether it holds an SM2 key. Envoy's TLS can neither show nor verify one. */
export function isSm2(certificate: X509Certificate): boolean {
  return certificate.raw.includes(SM2_CURVE);
}

/** The object identifier 1.2.156.10197.1.301, whole. */
const SM2_CURVE = Buffer.from('06082a811ccf5501822d', 'hex');
