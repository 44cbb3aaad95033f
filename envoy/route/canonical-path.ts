// Canonical form of paths, in which requests and routes are compared (RFC 3986, 6.2.2; filters/match/README.md,
// "Canonical paths"). filters/match/request-path.ts implements the same rules for requests.
// test/vectors/canonical-paths.json tests both.

/** Characters that need no escape in a path: unreserved ones and those of `pchar` (RFC 3986, 3.3). */
const NEEDS_NO_ESCAPE = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]$/;
/** Servers differ in whether these still separate, end or hide something, escaped or not. */
const NEVER_ESCAPED = /^[\0-\x1f\x7f/\\]$/;
/** Escapes, and characters that must be escaped. */
const SPELT_OTHERWISE = /%([0-9A-Fa-f]{2})?|[^ -~]|["<>[\]^`{|}]/gu;

function respell(path: string): string | undefined {
  let refused = false;
  const spelt = path.replace(SPELT_OTHERWISE, (text, digits: string | undefined) => {
    if (digits === undefined) {
      refused ||= text === '%';
      return text === '%' ? text : encodeURIComponent(text);
    }
    const byte = String.fromCharCode(Number.parseInt(digits, 16));
    refused ||= NEVER_ESCAPED.test(byte);
    return NEEDS_NO_ESCAPE.test(byte) ? byte : `%${digits.toUpperCase()}`;
  });
  return refused ? undefined : spelt;
}

/** RFC 3986, 5.2.4. Empty segments are removed too. */
function resolve(path: string): string {
  const segments = path.split('/').slice(1);
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const open = ['', '.', '..'].includes(segments.at(-1) ?? '');
  return `/${kept.join('/')}${open && kept.length > 0 ? '/' : ''}`;
}

/** Canonical form of a path without query. Undefined if it has none. Characters beyond ASCII are encoded as UTF-8. */
export function canonicalPath(path: string): string | undefined {
  if (path === '' || path === '*') return path;
  if (!path.startsWith('/') || !path.isWellFormed() || /[\0- \x7f\\#?]/.test(path)) return undefined;
  const spelt = respell(path);
  return spelt !== undefined && /\/[./]/.test(spelt) ? resolve(spelt) : spelt;
}

/**
 * Escape or character of a pattern that no canonical path contains, with its replacement. Undefined if there is none.
 */
export function uncanonicalInPattern(pattern: string): { text: string; canonical: string | undefined } | undefined {
  for (const [text] of pattern.matchAll(/%[0-9A-Fa-f]{2}|[^ -~]/gu)) {
    const canonical = canonicalPath(`/${text}`)?.slice(1);
    if (canonical !== text) return { text, canonical };
  }
  return undefined;
}
