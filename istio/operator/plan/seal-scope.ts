// Routes → which requests the seal may not let pass unless FIM has looked at them: those that the routes may concern.
// It is a superset of what the route index of the modules finds, decided by Envoy alone: a request is a stranger only
// where its host or its path plainly is another's.
import type { EnvoyObject } from '../../../envoy/xds/index.ts';
import type { RouteConfig } from '../../../envoy/route/index.ts';
import { MAX_SEAL_CHARACTERS, MAX_SEAL_REGEX_CHARACTERS } from '../../limits.ts';

/** Requests that routes may concern; an absent part: all. */
export interface SealGroup {
  /** Regular expressions, each for whole values of `:authority`. */
  hosts?: string[];
  /** Regular expressions, each for whole values of `:path`. */
  paths?: string[];
}

/** `all`: every request of the listener. Else what any of the groups takes; none: nothing. */
export type SealScope = 'all' | SealGroup[];

/** Authorities that name one host whatever reads them: the others may be anybody's. */
const PLAIN_AUTHORITY = '[0-9A-Za-z_.-]+(?::[0-9]*)?|\\[[0-9A-Fa-f:.]+\\](?::[0-9]*)?';
const PLAIN_PATH = '/[!-~]*';
/**
 * Paths that some servers read as another: escapes of what needs none, dot segments (also before parameters),
 * backslashes.
 */
const OTHER_READINGS = '[^?#]*(?:%(?:2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])|\\\\|/\\.\\.?[/;?#]).*|[^?#]*/\\.\\.?';
/** A slash and segments that are nothing but parameters, which servers skip. */
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

/** Visible characters stand for themselves, escaped or not. */
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

/** The path and what is below it; undefined: every path. */
function prefixRegex(value: string): string | undefined {
  // Escapes of visible characters are those characters; a path that then has other segments is none that can be
  // compared.
  const plain = value.replaceAll(/%([2-7][0-9A-Fa-f])/g, (escape, digits: string) =>
    digits === '20' || digits.toLowerCase() === '7f' ? escape : String.fromCharCode(parseInt(digits, 16)),
  );
  if (/[?#\\;]|(^|\/)\.\.?(\/|$)/.test(plain)) return undefined;
  const segments = plain.split('/').filter((segment) => segment !== '');
  if (segments.length === 0) return undefined;
  return `${segments.map((segment) => `${SLASH}${segmentRegex(segment)}`).join(PARAMETERS)}${AFTER}`;
}

/** What every path of a pattern begins with; undefined: nothing that is known. */
function patternRegex(pattern: string): string | undefined {
  if (pattern.includes('|')) return undefined;
  const [, literal = '', rest = ''] = /^\^?((?:[A-Za-z0-9/_-]|\\[./-])*)(.*)$/.exec(pattern) ?? [];
  const atoms = literal.match(/\\.|./g) ?? [];
  // What follows may take the last one back.
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
 * As few expressions as their length allows, for any case: some servers know none in paths, and the index takes that
 * into account.
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

/**
 * What the routes may concern. Of too many or too long paths only the hosts count, of too many hosts nothing: then it
 * is everything.
 */
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

/** The scope as a predicate of Envoy's matchers; undefined where it takes everything or nothing. */
export function scopePredicate(scope: SealScope): EnvoyObject | undefined {
  return scope === 'all' || scope.length === 0 ? undefined : any(scope.map(groupPredicate));
}
