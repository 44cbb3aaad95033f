// The one spelling of a path that requests and routes are compared in (RFC 3986, 6.2.2; filters/match/README.md,
// "Canonical paths"). The same rules stand in filters/match/request-path.ts, for the paths of requests;
// test/vectors/canonical-paths.json holds both to them.

/** What an escape may stand for and need not be escaped: unreserved characters and those of `pchar` (RFC 3986, 3.3). */
const NEEDS_NO_ESCAPE = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]$/;
/** Escaped or not, servers differ in whether it still separates, ends or hides something. */
const NEVER_ESCAPED = /^[\0-\x1f\x7f/\\]$/;
/** Escapes, and what has to be one. */
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

/** RFC 3986, 5.2.4; empty segments fall away too. */
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

/** The canonical form of a path without query; undefined if it has none. Texts beyond ASCII are taken as UTF-8. */
export function canonicalPath(path: string): string | undefined {
  if (path === '' || path === '*') return path;
  if (!path.startsWith('/') || !path.isWellFormed() || /[\0- \x7f\\#?]/.test(path)) return undefined;
  const spelt = respell(path);
  return spelt !== undefined && /\/[./]/.test(spelt) ? resolve(spelt) : spelt;
}

/**
 * An escape or character of a pattern that no canonical path holds, and what stands in its place; undefined if there is
 * none.
 */
export function uncanonicalInPattern(pattern: string): { text: string; canonical: string | undefined } | undefined {
  for (const [text] of pattern.matchAll(/%[0-9A-Fa-f]{2}|[^ -~]/gu)) {
    const canonical = canonicalPath(`/${text}`)?.slice(1);
    if (canonical !== text) return { text, canonical };
  }
  return undefined;
}
