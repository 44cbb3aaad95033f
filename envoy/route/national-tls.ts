// Joins what the routes of one listener ask of national TLS. A connection is made before its routes are known, so all
// that ask ask for the same.
import { dirname, resolve } from 'node:path';
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
import type { CipherSuite, RevocationFallback, RouteSpec, RouteTls } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { RouteResource } from './resource.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import type { Report } from './schema-check.ts';

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
  if (tls.certificates !== undefined && tls.trust === undefined && asks) report('FIM-CFG-1072', at('certificates'));
  for (const name of ['crl', 'ocsp', 'revocationFallback', 'minimumValidity'] as const)
    if (tls[name] !== undefined && !asks) report('FIM-CFG-1074', at(name), 'no client is asked for certificates');
  if (tls.crl !== undefined && (tls.crl.inline === undefined) === (tls.crl.file === undefined))
    report('FIM-CFG-1074', at('crl'), 'exactly one of inline and file');
  if (tls.revocationFallback !== undefined && tls.crl === undefined && tls.ocsp === undefined)
    report('FIM-CFG-1074', at('revocationFallback'), 'there is neither crl nor ocsp');
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

/** National TLS of a listener. */
export interface ListenerTls {
  /** Numbers of the suites, the preferred first. */
  suites: number[];
  clientAuth: 'None' | 'Optional' | 'Required';
  tickets: boolean;
  /** Time for which a session may be resumed, seconds. Absent: the module's. */
  sessionSeconds?: number;
  /** PEM. */
  trust?: string;
  /** The server's pairs. Empty: no certificates are named. */
  pairs: TlsPairTerms[];
  /** Remaining validity that certificates of clients must have, seconds. */
  leastSeconds: number;
  /** Revocation lists, PEM. */
  lists?: string;
  /** File of revocation lists, absolute. */
  listFile?: string;
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

function termsOf(tls: RouteTls, file: string): Omit<ListenerTls, 'routes' | 'issue'> {
  const { ocsp, crl } = tls;
  const alsoTls = alsoTlsOf(tls);
  return {
    suites: tls.cipherSuites.map((name) => SUITES[name]),
    names: [...tls.cipherSuites],
    clientAuth: tls.clientAuth ?? 'None',
    tickets: tls.sessionTickets ?? true,
    ...(tls.sessionDuration === undefined
      ? {}
      : { sessionSeconds: Math.round(durationMs(tls.sessionDuration) / 1000) }),
    ...(tls.trust === undefined ? {} : { trust: tls.trust }),
    pairs: (tls.certificates ?? []).map(({ sign, encrypt }) => ({
      chain: `${sign.chain}\n${encrypt.chain}`,
      signKey: sign.keyId,
      encryptKey: encrypt.keyId,
    })),
    leastSeconds: tls.minimumValidity === undefined ? 0 : Math.ceil(durationMs(tls.minimumValidity) / 1000),
    ...(crl?.inline === undefined ? {} : { lists: crl.inline }),
    ...(crl?.file === undefined ? {} : { listFile: resolve(dirname(file), crl.file) }),
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
  for (const { key, spec, source } of resources) {
    if (spec.tls === undefined) continue;
    const terms = termsOf(spec.tls, source.file);
    const text = canonicalJson(terms);
    if (terms.listFile !== undefined && source.file === '')
      errors.push(issueAt(source, 'FIM-CFG-1075', ['spec', 'tls', 'crl', 'file'], 'there are no files in a mesh'));
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
