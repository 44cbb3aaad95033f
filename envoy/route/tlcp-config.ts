// The configuration of the module that terminates national TLS, of what the routes ask.
import { readFileSync, statSync } from 'node:fs';
import { MAX_TLCP_LISTS_BYTES } from '../limits.ts';
import type { Path } from './json-path.ts';
import type { ListenerTls, TlsPairTerms } from './national-tls.ts';
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
}

const PEM_LIST = /-----BEGIN X509 CRL-----/;

/** Without generation; or what is wrong. `tls` names certificates, or `own` has some. */
export function tlcpListenerConfig(tls: ListenerTls, terms: TlcpConfigTerms): TlcpListenerConfig | RouteIssue {
  const lists = tls.listFile === undefined ? tls.lists : readLists(tls, tls.listFile);
  if (typeof lists === 'object') return lists;
  const trust = tls.trust ?? (tls.pairs.length === 0 ? terms.own?.trust : undefined);
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
      pairs: tls.pairs.length > 0 ? tls.pairs : (terms.own?.pairs ?? []),
      ...(trust === undefined ? {} : { trust }),
      ...(tls.sessionSeconds === undefined ? {} : { sessionSeconds: tls.sessionSeconds }),
      ...(tls.leastSeconds === 0 ? {} : { leastSeconds: tls.leastSeconds }),
      ...(lists === undefined ? {} : { lists }),
      ...(tls.ocsp === undefined || responder === undefined ? {} : { ocsp: { ...responder, ...tls.ocsp } }),
      ...(tls.fallback === 'Refuse' ? {} : { fallback: tls.fallback }),
    },
  };
}

/** The lists of a file as PEM. */
function readLists(tls: ListenerTls, file: string): string | RouteIssue {
  const refuse = (detail: string): RouteIssue => tls.issue('FIM-CFG-1075', ['crl', 'file'], `${file} ${detail}`);
  try {
    const found = statSync(file);
    if (!found.isFile()) return refuse('is no regular file');
    if (found.size > MAX_TLCP_LISTS_BYTES) return refuse(`has ${found.size} bytes, at most ${MAX_TLCP_LISTS_BYTES}`);
    const content = readFileSync(file);
    if (content[0] !== 0x30) {
      const text = content.toString('latin1');
      return PEM_LIST.test(text) ? text : refuse('has no revocation list');
    }
    const lines = content.toString('base64').replace(/.{64}/g, '$&\n');
    return `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n`;
  } catch (error) {
    return refuse(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
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
