// Generates the headers that say who the client is, for the module and for what Envoy does itself, from one list.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, type Output } from './output.ts';

const SOURCE = 'filters/client-headers.json';

interface ClientHeaders {
  /** Only proxies set headers that begin so. */
  prefix: string;
  /** `ordinary`: Envoy's statement of the certificate of ordinary TLS. */
  headers: { name: string; state: string; ordinary: string }[];
}

/** `client-headers.gen.ts` of the module and of `envoy/xds`. */
export function clientHeaderOutputs(repository: string): Output[] {
  const { prefix, headers } = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8')) as ClientHeaders;
  const list = (of: (header: ClientHeaders['headers'][number]) => string): string =>
    headers.map((header) => `  ${of(header)},\n`).join('');
  const module = `${banner(SOURCE)}
import { Bytes } from '../memory/bytes';

/** Only this proxy sets headers that begin so; a client's own are removed, in whatever spelling. */
export const CLAIMS: Bytes = Bytes.from('${prefix}');
/** Names of the headers that are set. */
export const HEADERS: StaticArray<Bytes> = [
${list(({ name }) => `Bytes.from('${prefix}${name}')`)}];
/** Filter state: \`wasm.\` and the name, whose dots keep it out of reach of extracted values. */
export const STATES: StaticArray<Bytes> = [
${list(({ state }) => `Bytes.from('${state}')`)}];
`;
  const envoy = `${banner(SOURCE)}

/** Headers of clients that are removed, in any spelling that a server may take for one. RE2. */
export const CLAIMS = '(?i)${prefix.replaceAll('-', '[-_]')}.*';
/** Envoy's statements of the certificate that it has verified, by header. Nothing is said where there is none. */
export const TOLD: readonly (readonly [name: string, value: string])[] = [
${list(({ name, ordinary }) => `['${prefix}${name}', '${ordinary}']`)}];
/** The header that says when the certificate ends, as RFC 3339. */
export const ENDS = '${prefix}not-after';
`;
  return [
    { path: 'filters/tlcp-listener/client-headers.gen.ts', text: module },
    { path: 'envoy/xds/client-headers.gen.ts', text: envoy },
  ];
}
