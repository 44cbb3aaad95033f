// Certificates and revocation lists that stand elsewhere than in the route: which object or file, and what of it counts.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MAX_TLCP_CHAIN_BYTES, MAX_TLCP_LISTS_BYTES, MAX_TLCP_TRUST_BYTES } from '../limits.ts';
import type { RouteTls, TlsSource } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { RouteIssue } from './route-error.ts';
import type { Report } from './schema-check.ts';

/** A place outside the resource. */
export interface TlsReference {
  kind: 'Secret' | 'ConfigMap' | 'File';
  /** That of the route. Empty for a file. */
  namespace: string;
  /** Name of the object, or the absolute path of the file. */
  name: string;
  /** Member of the object's data. Empty for a file. */
  key: string;
  use: 'chain' | 'trust' | 'lists';
  /** Where `tls` names it. */
  at: Path;
}

/** PEM, or where it stands. */
export type TlsText = string | TlsReference;

/** Finding at a reference: text that counts, or what is wrong. */
export type TlsFinding = { text: string } | { code: RouteIssue['code']; detail: string };

/** Reads references. A mesh has it from the API server, standalone from files. */
export type ReadTls = (reference: TlsReference) => TlsFinding;

/** Whether a member's name says that it is a private key: `tls.key`, as Secrets of type kubernetes.io/tls have it. */
const KEY_MEMBER = /\.key$/;
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;
const CERTIFICATE = /^(?:TRUSTED |X509 )?CERTIFICATE$/;
const LIST = 'X509 CRL';
const MOST: Record<TlsReference['use'], number> = {
  chain: MAX_TLCP_CHAIN_BYTES,
  trust: MAX_TLCP_TRUST_BYTES,
  lists: MAX_TLCP_LISTS_BYTES,
};

/** For people: `Secret web-cert, tls.crt`. */
export function nameOf({ kind, name, key }: TlsReference): string {
  return kind === 'File' ? name : `${kind} ${name}, ${key}`;
}

/** Checks that every text of the section stands in exactly one place. */
export function checkTlsSources(tls: RouteTls, report: Report): void {
  const once = (inline: unknown, source: TlsSource | undefined, at: Path, isNeeded: boolean): void => {
    const places = (inline === undefined ? 0 : 1) + (source === undefined ? 0 : 1);
    if (places > 1 || (isNeeded && places === 0)) report('FIM-CFG-1280', at, 'exactly one of the two');
    else if (source !== undefined && Object.keys(source).length !== 1)
      report('FIM-CFG-1280', at, 'exactly one of secret, configMap and file');
    else if (KEY_MEMBER.test(source?.secret?.key ?? '')) report('FIM-CFG-1282', at, source?.secret?.key ?? '');
  };
  for (const [index, pair] of (tls.certificates ?? []).entries())
    for (const use of ['sign', 'encrypt'] as const)
      once(pair[use].chain, pair[use].chainFrom, ['spec', 'tls', 'certificates', index, use], true);
  once(tls.trust, tls.trustFrom, ['spec', 'tls', 'trustFrom'], false);
  if (KEY_MEMBER.test(tls.crl?.secret?.key ?? ''))
    report('FIM-CFG-1282', ['spec', 'tls', 'crl', 'secret'], tls.crl?.secret?.key ?? '');
}

/** A text of a checked section. `file`: that of the route, empty in a mesh. */
export function textOf(
  inline: string | undefined,
  source: TlsSource | undefined,
  place: Pick<TlsReference, 'namespace' | 'use' | 'at'> & { file: string },
): TlsText | undefined {
  if (inline !== undefined || source === undefined) return inline;
  const { namespace, use, at, file } = place;
  const member = (['secret', 'configMap', 'file'] as const).find((one) => source[one] !== undefined);
  if (member === undefined) return undefined;
  const found = { use, at: [...at, member] };
  if (member === 'file')
    return { ...found, kind: 'File', namespace: '', name: resolve(dirname(file), source.file ?? ''), key: '' };
  const { name, key } = source[member]!;
  return { ...found, kind: member === 'secret' ? 'Secret' : 'ConfigMap', namespace, name, key };
}

/**
 * Part of a text that counts: its PEM blocks, if there are certificates (or lists) and nothing else that is a
 * secret. Undefined: nothing does.
 */
export function pemOf(text: string, use: TlsReference['use']): { text: string } | { detail: string } {
  if (Buffer.byteLength(text) > MOST[use]) return { detail: `has more than ${MOST[use]} bytes` };
  if (/PRIVATE KEY-----/.test(text)) return { detail: 'holds a private key' };
  const blocks = [...text.matchAll(BLOCK)].filter(([, label = '']) =>
    use === 'lists' ? label === LIST : CERTIFICATE.test(label),
  );
  if (blocks.length === 0) return { detail: use === 'lists' ? 'has no revocation list' : 'has no certificate' };
  if (use !== 'lists')
    for (const [index, [block]] of blocks.entries())
      if (endOf(block) === undefined) return { detail: `has a certificate that cannot be read, the ${index + 1}.` };
  return { text: `${blocks.map(([block]) => block).join('\n')}\n` };
}

/** When a certificate ends, milliseconds since 1970. Undefined: it cannot be read. */
function endOf(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}

/** When the first certificate of some text ends, milliseconds since 1970. Undefined: none can be read. */
export function firstEndOf(text: string): number | undefined {
  const ends = [...text.matchAll(BLOCK)].flatMap(([block]) => endOf(block) ?? []);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** Reads a reference where there is no mesh. Lists may be one as DER. */
export function readTlsFile({ kind, name, use }: TlsReference): TlsFinding {
  const code = use === 'lists' ? 'FIM-CFG-1075' : 'FIM-CFG-1281';
  const refuse = (detail: string): TlsFinding => ({ code, detail });
  if (kind !== 'File') return { code: 'FIM-CFG-1281', detail: `there is no ${kind} outside a mesh: use file` };
  try {
    const found = statSync(name);
    if (!found.isFile()) return refuse(`${name} is no regular file`);
    if (found.size > MOST[use]) return refuse(`${name} has ${found.size} bytes, at most ${MOST[use]}`);
    const content = readFileSync(name);
    if (use === 'lists' && content[0] === 0x30) {
      const lines = content.toString('base64').replace(/.{64}/g, '$&\n');
      return { text: `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n` };
    }
    const pem = pemOf(content.toString('latin1'), use);
    return 'text' in pem ? pem : refuse(`${name} ${pem.detail}`);
  } catch (error) {
    return refuse(`${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
}
