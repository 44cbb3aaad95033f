// Joins what the routes of one listener ask of national TLS. A connection is made before its routes are known, so all
// that ask ask for the same.
import {
  MAX_MINIMUM_VALIDITY_MS,
  MAX_OCSP_TIMEOUT_MS,
  MAX_SESSION_MS,
  MIN_MINIMUM_VALIDITY_MS,
  MIN_OCSP_TIMEOUT_MS,
  MIN_SESSION_MS,
} from '../limits.ts';
import { alsoTlsOf, checkAlsoTls, type AlsoTls } from './also-tls.ts';
import { canonicalJson } from './canonical-json.ts';
import { durationMs } from './duration.ts';
import type { CipherSuite, RevocationFallback, RouteSpec, RouteTls, TlsCertificate } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { RouteResource } from './resource.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import type { Report } from './schema-check.ts';
import { checkTlsSources, textOf, type TlsReference, type TlsText } from './tls-source.ts';

/** Numbers of the suites. */
const SUITES: Record<CipherSuite, number> = {
  'ECDHE-SM4-SM3': 0xe011,
  'ECC-SM4-SM3': 0xe013,
  'ECDHE-SM4-GCM-SM3': 0xe051,
  'ECC-SM4-GCM-SM3': 0xe053,
};

const isEphemeral = (suite: CipherSuite): boolean => suite.startsWith('ECDHE-');

/** Whether clients are asked for certificates. */
function asksClients({ cipherSuites, clientAuth = 'None' }: RouteTls): boolean {
  return clientAuth !== 'None' || cipherSuites.some(isEphemeral);
}

/** Checks the section of one route. */
export function checkTls({ tls }: RouteSpec, report: Report): void {
  if (tls === undefined) return;
  const at = (name: keyof RouteTls): Path => ['spec', 'tls', name];
  const asks = asksClients(tls);
  const { trust, trustFrom } = tls;
  if (tls.certificates !== undefined && trust === undefined && trustFrom === undefined && asks)
    report('FIM-CFG-1072', at('certificates'));
  for (const name of ['crl', 'ocsp', 'revocationFallback', 'minimumValidity'] as const)
    if (tls[name] !== undefined && !asks) report('FIM-CFG-1074', at(name), 'no client is asked for certificates');
  if (tls.crl !== undefined && Object.keys(tls.crl).length !== 1)
    report('FIM-CFG-1074', at('crl'), 'exactly one of inline, file, secret and configMap');
  if (tls.revocationFallback !== undefined && tls.crl === undefined && tls.ocsp === undefined)
    report('FIM-CFG-1074', at('revocationFallback'), 'there is neither crl nor ocsp');
  checkTlsSources(tls, report);
  checkAlsoTls(tls, report);
  checkTime(tls.ocsp?.timeout, [...at('ocsp'), 'timeout'], [MIN_OCSP_TIMEOUT_MS, MAX_OCSP_TIMEOUT_MS], report);
  checkTime(tls.sessionDuration, at('sessionDuration'), [MIN_SESSION_MS, MAX_SESSION_MS], report);
  checkTime(tls.minimumValidity, at('minimumValidity'), [MIN_MINIMUM_VALIDITY_MS, MAX_MINIMUM_VALIDITY_MS], report);
}

function checkTime(text: string | undefined, at: Path, [least, most]: [number, number], report: Report): void {
  if (text === undefined) return;
  const time = durationMs(text);
  if (time < least || time > most) report('FIM-CFG-1039', at, `${least} ms to ${most} ms`);
}

/** Tells what of the section means less than it seems to. */
export function warnOfTls({ tls }: RouteSpec, report: Report): void {
  if (tls?.clientAuth !== 'None' || !tls.cipherSuites.some(isEphemeral)) return;
  const all = tls.cipherSuites.every(isEphemeral);
  const detail = `ECDHE needs certificates of clients${all ? '' : '; `None` is for the ECC suites'}`;
  report('FIM-CFG-1063', ['spec', 'tls', 'clientAuth'], detail);
}

/** A pair of certificates. */
export interface TlsPairTerms {
  /** PEM. */
  chain: string;
  signKey: string;
  encryptKey: string;
}

/** A pair as the routes name it. */
export interface TlsPairPlaces {
  sign: TlsText;
  encrypt: TlsText;
  signKey: string;
  encryptKey: string;
}

/** National TLS of a listener. */
export interface ListenerTls {
  /** Numbers of the suites, the preferred first. */
  suites: number[];
  clientAuth: 'None' | 'Optional' | 'Required';
  tickets: boolean;
  /** Time for which a session may be resumed, seconds. Absent: the module's. */
  sessionSeconds?: number;
  trust?: TlsText;
  /** The server's pairs. Empty: no certificates are named. */
  pairs: TlsPairPlaces[];
  /** Remaining validity that certificates of clients must have, seconds. */
  leastSeconds: number;
  /** Revocation lists. */
  lists?: TlsText;
  ocsp?: { timeoutMs: number; needsNonce: boolean };
  fallback: RevocationFallback;
  /** Ordinary TLS on the same port. Absent: none. */
  alsoTls?: AlsoTls;
  /** Names of the suites, for people. */
  names: string[];
  /** `namespace/name` of the routes that ask for it. */
  routes: string[];
  /** A mistake in the section, at its place in the first of them. */
  issue: (code: RouteIssue['code'], path: Path, detail: string) => RouteIssue;
}

function pairsOf(tls: RouteTls, place: { namespace: string; file: string }): TlsPairPlaces[] {
  return (tls.certificates ?? []).map(({ sign, encrypt }, index) => {
    const chainOf = (name: 'sign' | 'encrypt', { chain, chainFrom }: TlsCertificate): TlsText =>
      textOf(chain, chainFrom, { ...place, use: 'chain', at: ['certificates', index, name, 'chainFrom'] }) ?? '';
    return {
      sign: chainOf('sign', sign),
      encrypt: chainOf('encrypt', encrypt),
      signKey: sign.keyId,
      encryptKey: encrypt.keyId,
    };
  });
}

/** Places outside the resource that a section names. `file`: that of the route, empty in a mesh. */
export function tlsReferencesOf(tls: RouteTls | undefined, place: { namespace: string; file: string }): TlsReference[] {
  if (tls === undefined) return [];
  const { trust, lists, pairs } = termsOf(tls, place);
  return [trust, lists, ...pairs.flatMap(({ sign, encrypt }) => [sign, encrypt])].filter(
    (text) => typeof text === 'object',
  );
}

function termsOf(tls: RouteTls, place: { namespace: string; file: string }): Omit<ListenerTls, 'routes' | 'issue'> {
  const { ocsp, crl } = tls;
  const alsoTls = alsoTlsOf(tls);
  const trust = textOf(tls.trust, tls.trustFrom, { ...place, use: 'trust', at: ['trustFrom'] });
  const lists = textOf(crl?.inline, crl, { ...place, use: 'lists', at: ['crl'] });
  return {
    suites: tls.cipherSuites.map((name) => SUITES[name]),
    names: [...tls.cipherSuites],
    clientAuth: tls.clientAuth ?? 'None',
    tickets: tls.sessionTickets ?? true,
    ...(tls.sessionDuration === undefined
      ? {}
      : { sessionSeconds: Math.round(durationMs(tls.sessionDuration) / 1000) }),
    ...(trust === undefined ? {} : { trust }),
    pairs: pairsOf(tls, place),
    leastSeconds: tls.minimumValidity === undefined ? 0 : Math.ceil(durationMs(tls.minimumValidity) / 1000),
    ...(lists === undefined ? {} : { lists }),
    ...(ocsp === undefined
      ? {}
      : { ocsp: { timeoutMs: durationMs(ocsp.timeout ?? '2s'), needsNonce: ocsp.nonce === 'Required' } }),
    fallback: tls.revocationFallback ?? 'Refuse',
    ...(alsoTls === undefined ? {} : { alsoTls }),
  };
}

/** Request of all resources together. Null: nothing. */
export function listenerTls(resources: readonly RouteResource[]): { tls: ListenerTls | null; errors: RouteIssue[] } {
  const errors: RouteIssue[] = [];
  let tls: ListenerTls | null = null;
  let wanted = '';
  for (const { key, namespace, spec, source } of resources) {
    if (spec.tls === undefined) continue;
    const place = { namespace, file: source.file };
    const terms = termsOf(spec.tls, place);
    const text = canonicalJson(terms as never);
    if (source.file === '')
      for (const { kind, use, at } of tlsReferencesOf(spec.tls, place)) {
        const code = use === 'lists' ? 'FIM-CFG-1075' : 'FIM-CFG-1281';
        if (kind === 'File') errors.push(issueAt(source, code, ['spec', 'tls', ...at], 'there are no files in a mesh'));
      }
    if (tls === null) {
      const issue: ListenerTls['issue'] = (code, path, detail) =>
        issueAt(source, code, ['spec', 'tls', ...path], detail);
      tls = { ...terms, routes: [key], issue };
      wanted = text;
    } else if (text === wanted) tls.routes.push(key);
    else errors.push(issueAt(source, 'FIM-CFG-1073', ['spec', 'tls'], `${tls.routes[0]} has others`));
  }
  return { tls, errors };
}
