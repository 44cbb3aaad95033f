// The configuration of the module that terminates national TLS, of what the routes ask.
import type { Path } from './json-path.ts';
import type { ListenerTls, TlsPairTerms } from './national-tls.ts';
import { nameOf, type ReadTls, type TlsText } from './tls-source.ts';
import { PLUGIN_CONFIG_VERSION } from './translate.ts';
import type { KmsConfig, TlcpListenerConfig, TlcpOcspConfig } from './plugin-config.gen.ts';
import type { RouteIssue } from './route-error.ts';

/** Facts that the routes do not say. */
export interface TlcpConfigTerms {
  /** Absent: there is none, and the module refuses. */
  kms?: KmsConfig;
  /** The responder of the platform. Absent: there is none. */
  responder?: Pick<TlcpOcspConfig, 'cluster' | 'authority' | 'path'>;
  /** Defaults where the routes name no certificates: the pair, and who is trusted. */
  own: { pairs: TlsPairTerms[]; trust?: string } | null;
  /** Reads what stands outside the routes. */
  read: ReadTls;
}

/** Without generation; or what is wrong. `tls` names certificates, or `own` has some. */
export function tlcpListenerConfig(tls: ListenerTls, terms: TlcpConfigTerms): TlcpListenerConfig | RouteIssue {
  const issues: RouteIssue[] = [];
  const read = (text: TlsText): string => {
    if (typeof text === 'string') return text;
    const found = terms.read(text);
    if ('text' in found) return found.text;
    issues.push(tls.issue(found.code, text.at, `${nameOf(text)}: ${found.detail}`));
    return '';
  };
  const lists = tls.lists === undefined ? undefined : read(tls.lists);
  const named = tls.trust === undefined ? undefined : read(tls.trust);
  const pairs = tls.pairs.map(({ sign, encrypt, signKey, encryptKey }): TlsPairTerms => ({
    chain: `${read(sign)}\n${read(encrypt)}`,
    signKey,
    encryptKey,
  }));
  const [issue] = issues;
  if (issue !== undefined) return issue;
  const trust = named ?? (pairs.length === 0 ? terms.own?.trust : undefined);
  const { responder } = terms;
  if (tls.ocsp !== undefined && responder === undefined)
    return tls.issue('FIM-UP-0033', ['ocsp'], tls.routes.join(', '));
  return {
    version: PLUGIN_CONFIG_VERSION,
    ...(terms.kms === undefined ? {} : { kms: terms.kms }),
    connections: {
      suites: tls.suites,
      clientAuth: tls.clientAuth,
      tickets: tls.tickets,
      pairs: pairs.length > 0 ? pairs : (terms.own?.pairs ?? []),
      ...(trust === undefined ? {} : { trust }),
      ...(tls.sessionSeconds === undefined ? {} : { sessionSeconds: tls.sessionSeconds }),
      ...(tls.leastSeconds === 0 ? {} : { leastSeconds: tls.leastSeconds }),
      ...(lists === undefined ? {} : { lists }),
      ...(tls.ocsp === undefined || responder === undefined ? {} : { ocsp: { ...responder, ...tls.ocsp } }),
      ...(tls.fallback === 'Refuse' ? {} : { fallback: tls.fallback }),
    },
  };
}

/** The place in the section that a pointer of the module into the configuration means. */
export function tlcpSectionPath(pointer: string): Path {
  const [, pair, member] = /^\/connections\/pairs\/(\d+)(?:\/(\w+))?/.exec(pointer) ?? [];
  if (pair !== undefined) {
    const at: Path = ['certificates', Number(pair)];
    return member === 'signKey' ? [...at, 'sign', 'keyId'] : member === 'encryptKey' ? [...at, 'encrypt', 'keyId'] : at;
  }
  const [, name = ''] = /^\/connections\/(\w+)/.exec(pointer) ?? [];
  return name === 'trust' ? ['trust'] : name === 'lists' ? ['crl'] : name === 'suites' ? ['cipherSuites'] : [];
}
