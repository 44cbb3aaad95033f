// Derives from routes the requests that the seal may let pass only with FIM's stamp. The scope is a superset of what
// the modules' route index matches, and Envoy evaluates it alone. A request is outside only if its host or path plainly
// belongs to others.
import type { EnvoyObject } from '../../../envoy/xds/index.ts';
import type { RouteConfig } from '../../../envoy/route/index.ts';
import { MAX_SEAL_CHARACTERS, MAX_SEAL_REGEX_CHARACTERS } from '../../limits.ts';

/** Requests that routes may concern. An absent member matches all. */
export interface SealGroup {
  /** Regular expressions, each for a whole `:authority`. */
  hosts?: string[];
  /** Regular expressions, each for a whole `:path`. */
  paths?: string[];
}

/** `all`: every request of the listener. Otherwise the union of the groups; an empty list matches nothing. */
export type SealScope = 'all' | SealGroup[];

/** Authorities that every reader takes for the same host. Any other form may name any host. */
const PLAIN_AUTHORITY = '[0-9A-Za-z_.-]+(?::[0-9]*)?|\\[[0-9A-Fa-f:.]+\\](?::[0-9]*)?';
const PLAIN_PATH = '/[!-~]*';
/**
 * Paths that some servers normalise to another path: needless escapes, dot segments (also before parameters),
 * backslashes.
 */
const OTHER_READINGS = '[^?#]*(?:%(?:2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])|\\\\|/\\.\\.?[/;?#]).*|[^?#]*/\\.\\.?';
/** A slash and any segments that consist of parameters only, which servers skip. */
const SLASH = '/(?:(?:;[^/?#]*)?/)*';
const PARAMETERS = '(?:;[^/?#]*)?';
const AFTER = '(?:[/;?#%\\\\].*)?';

function quote(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function hostRegex(host: string): string {
  const name = host.startsWith('*.') ? `.*\\.${quote(host.slice(2))}` : quote(host);
  return `${name}\\.*(?::.*)?`;
}

/** Expression of a segment. Visible characters match escaped or not. */
function segmentRegex(segment: string): string {
  return segment
    .split(/(%[0-9A-Fa-f]{2})/)
    .map((part, index) => {
      if (index % 2 === 0) return quote(part);
      const byte = parseInt(part.slice(1), 16);
      return byte > 0x20 && byte < 0x7f ? quote(String.fromCharCode(byte)) : part;
    })
    .join('');
}

/** Expression of a path and everything below it. Undefined for every path. */
function prefixRegex(value: string): string | undefined {
  // Escapes of visible characters stand for these characters. A path whose segments change by that cannot be compared.
  const plain = value.replaceAll(/%([2-7][0-9A-Fa-f])/g, (escape, digits: string) =>
    digits === '20' || digits.toLowerCase() === '7f' ? escape : String.fromCharCode(parseInt(digits, 16)),
  );
  if (/[?#\\;]|(^|\/)\.\.?(\/|$)/.test(plain)) return undefined;
  const segments = plain.split('/').filter((segment) => segment !== '');
  if (segments.length === 0) return undefined;
  return `${segments.map((segment) => `${SLASH}${segmentRegex(segment)}`).join(PARAMETERS)}${AFTER}`;
}

/** Expression of the fixed beginning of a pattern. Undefined if it has none. */
function patternRegex(pattern: string): string | undefined {
  if (pattern.includes('|')) return undefined;
  const [, literal = '', rest = ''] = /^\^?((?:[A-Za-z0-9/_-]|\\[./-])*)(.*)$/.exec(pattern) ?? [];
  const atoms = literal.match(/\\.|./g) ?? [];
  // The quantifier that follows may make the last atom optional.
  if (/^[*?{]/.test(rest)) atoms.pop();
  const text = atoms.map((atom) => atom.at(-1) ?? '').join('');
  const segments = text.split('/');
  if (!text.startsWith('/') || text.length < 2 || /(^|\/)\.\.?(\/|$)/.test(text)) return undefined;
  return `${segments
    .slice(1)
    .map((segment) => `${SLASH}${quote(segment)}`)
    .join(PARAMETERS)}.*`;
}

function pathRegex({ match }: RouteConfig): string | undefined {
  const path = match?.path;
  if (path === undefined) return undefined;
  return path.type === 'Pattern' ? patternRegex(path.value) : prefixRegex(path.value);
}

/**
 * Joins expressions into as few as their length allows. They ignore case, because some servers do so in paths and the
 * route index allows for it.
 */
function joined(regexes: readonly string[]): string[] {
  const lines: string[] = [];
  for (const regex of regexes) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + regex.length < MAX_SEAL_REGEX_CHARACTERS)
      lines[lines.length - 1] = `${last}|${regex}`;
    else lines.push(regex);
  }
  return lines.map((line) => `(?i:${line})`);
}

function lengthOf(groups: readonly SealGroup[]): number {
  return groups.reduce((sum, { hosts = [], paths = [] }) => sum + [...hosts, ...paths].join('').length, 0);
}

/** Scope of the routes. With too many or too long paths only hosts count. With too many hosts it is every request. */
export function sealScope(routes: readonly RouteConfig[]): SealScope {
  const byHosts = Map.groupBy(routes, ({ match }) => JSON.stringify((match?.hosts ?? []).toSorted()));
  const groups = [...byHosts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, members]): SealGroup => {
      const hosts = JSON.parse(key) as string[];
      const paths = members.map(pathRegex);
      const known = paths.every((regex) => regex !== undefined) ? { paths: joined([...new Set(paths)].sort()) } : {};
      return hosts.length === 0 || hosts.includes('*') ? known : { hosts: joined(hosts.map(hostRegex)), ...known };
    });
  if (groups.some(({ hosts, paths }) => hosts === undefined && paths === undefined)) return 'all';
  if (lengthOf(groups) <= MAX_SEAL_CHARACTERS) return groups;
  if (groups.some(({ hosts }) => hosts === undefined)) return 'all';
  const hosts = [...new Set(routes.flatMap(({ match }) => match?.hosts ?? []))].sort();
  const wider: SealGroup[] = [{ hosts: joined(hosts.map(hostRegex)) }];
  return lengthOf(wider) <= MAX_SEAL_CHARACTERS ? wider : 'all';
}

function test(header: string, regex: string): EnvoyObject {
  const input = {
    name: 'envoy.matching.inputs.request_headers',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput',
      header_name: header,
    },
  };
  return { single_predicate: { input, value_match: { safe_regex: { google_re2: {}, regex } } } };
}

function any(predicates: readonly EnvoyObject[]): EnvoyObject {
  const [only = {}] = predicates;
  return predicates.length === 1 ? only : { or_matcher: { predicate: [...predicates] } };
}

function groupPredicate({ hosts, paths }: SealGroup): EnvoyObject {
  const not = (predicate: EnvoyObject): EnvoyObject => ({ not_matcher: predicate });
  const parts = [
    ...(hosts === undefined
      ? []
      : [any([not(test(':authority', PLAIN_AUTHORITY)), ...hosts.map((regex) => test(':authority', regex))])]),
    ...(paths === undefined
      ? []
      : [
          any([
            not(test(':path', PLAIN_PATH)),
            test(':path', OTHER_READINGS),
            ...paths.map((regex) => test(':path', regex)),
          ]),
        ]),
  ];
  const [only = {}] = parts;
  return parts.length === 1 ? only : { and_matcher: { predicate: parts } };
}

/** The scope as a predicate of Envoy's matchers. Undefined if it covers everything or nothing. */
export function scopePredicate(scope: SealScope): EnvoyObject | undefined {
  return scope === 'all' || scope.length === 0 ? undefined : any(scope.map(groupPredicate));
}
