// The route index against the plain reading of its promise: the first route of the list whose conditions all match, or
// a refusal where servers may differ.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalPath } from '../../envoy/route/canonical-path.ts';
import { bestMs, caseCount, compileGuest, errorId, type GuestExports, Random } from './guest.ts';

interface RouteExports extends GuestExports {
  start(): void;
  beginRoute(): void;
  routeHost(length: number): number;
  routeMethod(length: number): void;
  routePath(kind: number, length: number): number;
  headerName(length: number): void;
  routeHeader(kind: number, length: number): number;
  endRoute(): number;
  build(): void;
  beginRequest(): void;
  requestHost(length: number): void;
  requestPath(length: number): void;
  requestMethod(length: number): void;
  requestHeader(length: number): void;
  find(): number;
  findMany(times: number): number;
  collect(): void;
}

const PATH_KINDS = ['Exact', 'Prefix', 'Pattern'] as const;
const HEADER_KINDS = ['Exact', 'Pattern', 'Present'] as const;

interface Header {
  kind: (typeof HEADER_KINDS)[number];
  name: string;
  value: string;
}

interface Route {
  hosts: string[];
  methods: string[];
  path?: { kind: (typeof PATH_KINDS)[number]; value: string };
  headers: Header[];
}

interface Request {
  host: string;
  method: string;
  path: string;
  headers: [string, string][];
}

const guest = await compileGuest<RouteExports>('test/fuzz/routes');
const { exports } = guest;

function load(routes: readonly Route[]): void {
  exports.start();
  for (const route of routes) {
    exports.beginRoute();
    for (const host of route.hosts) assert.equal(exports.routeHost(guest.put(host)), 0);
    for (const method of route.methods) exports.routeMethod(guest.put(method));
    if (route.path !== undefined)
      assert.equal(exports.routePath(PATH_KINDS.indexOf(route.path.kind), guest.put(route.path.value)), 0);
    for (const header of route.headers) {
      exports.headerName(guest.put(header.name));
      assert.equal(exports.routeHeader(HEADER_KINDS.indexOf(header.kind), guest.put(header.value)), 0);
    }
    assert.equal(exports.endRoute(), 0);
  }
  exports.build();
}

function ask(request: Request): number {
  exports.beginRequest();
  exports.requestHost(guest.put(request.host));
  exports.requestPath(guest.put(request.path));
  exports.requestMethod(guest.put(request.method));
  for (const [name, value] of request.headers) {
    exports.headerName(guest.put(name));
    exports.requestHeader(guest.put(value));
  }
  return exports.find();
}

/** The host's name, or undefined if it is not one valid host. */
function hostName(host: string): string | undefined {
  const [, name, , port] = /^((?!\.)(?:\.?[\w-]+)+)(\.?)(?::(\d{1,5}))?$/.exec(host) ?? [];
  return name === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > 65535))
    ? undefined
    : name.toLowerCase();
}

function hostMatches(pattern: string, name: string | undefined): boolean {
  const wanted = pattern.toLowerCase();
  if (wanted === '*') return true;
  if (name === undefined) return false;
  return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) && name.length > wanted.length - 1 : name === wanted;
}

/**
 * Whether a path is the route's, or one that some servers treat alike: other case, or with or without a final slash.
 */
function pathMatches(path: Route['path'], bare: string): 'same' | 'similar' | 'other' {
  if (path === undefined) return 'same';
  const asked = (text: string, flags: string): boolean => {
    if (path.kind === 'Pattern') return new RegExp(`^(?:${path.value})$`, flags).test(text);
    const wanted = flags.includes('i') ? path.value.toLowerCase() : path.value;
    const given = flags.includes('i') ? text.toLowerCase() : text;
    if (path.kind === 'Exact') return given === wanted;
    const prefix = wanted.replace(/\/+$/, '');
    return prefix === '' || given === prefix || given.startsWith(`${prefix}/`);
  };
  if (asked(bare, 'u')) return 'same';
  const spellings = path.kind === 'Prefix' ? [bare] : [bare, bare.replace(/\/$/, ''), `${bare}/`];
  return spellings.some((text) => asked(text, 'iu')) ? 'similar' : 'other';
}

function headerMatches(header: Header, request: Request): 'yes' | 'no' | 'unclear' {
  const values = request.headers.filter(([name]) => name === header.name).map(([, value]) => value);
  if (values.length === 0) return 'no';
  if (header.kind === 'Present') return 'yes';
  const takes = (value: string): boolean =>
    header.kind === 'Exact' ? value === header.value : new RegExp(`^(?:${header.value})$`, 'u').test(value);
  if (takes(values.join(', '))) return 'yes';
  return values.some(takes) ? 'unclear' : 'no';
}

/** Routes that one reading of the path matches. */
function readAs(routes: readonly Route[], request: Request, path: string): { found: number; exact: boolean } | string {
  const method = request.method.toUpperCase();
  const first = { same: Infinity, similar: Infinity, unclear: Infinity };
  routes.forEach((route, number) => {
    if (!(route.hosts.length === 0 || route.hosts.some((host) => hostMatches(host, hostName(request.host))))) return;
    if (!(
      route.methods.length === 0 ||
      route.methods.includes(method) ||
      (method === 'HEAD' && route.methods.includes('GET'))
    ))
      return;
    const spelling = pathMatches(route.path, path);
    const fits = route.headers.map((header) => headerMatches(header, request));
    if (spelling === 'other' || fits.includes('no')) return;
    const kind = fits.includes('unclear') ? 'unclear' : spelling;
    first[kind] = Math.min(first[kind], number);
  });
  const found = Math.min(first.same === Infinity ? first.similar : first.same);
  if (first.unclear < found) return 'FIM-RT-0044';
  if (found === Infinity) return { found: -1, exact: false };
  const exact = first.same === found && routes[found]!.path?.kind === 'Exact';
  return first.similar < found && !exact ? 'FIM-RT-0041' : { found, exact };
}

/** Specified result of the index: the number of a route, -1, or a code. */
function expectedOf(routes: readonly Route[], request: Request): number | string {
  const name = hostName(request.host);
  if (name === undefined && routes.some((route) => route.hosts.some((host) => host !== '*'))) return 'FIM-RT-0043';
  const bare = request.path.replace(/\?.*$/s, '');
  const canonical = /^\*?\?/.test(request.path) ? undefined : canonicalPath(bare);
  const found =
    canonical === undefined ? malformed(routes, request, bare) : wellFormed(routes, request, bare, canonical);
  if (typeof found === 'string' || found < 0) return found;
  if (name === undefined) return 'FIM-RT-0043';
  return request.method === request.method.toUpperCase() ? found : 'FIM-RT-0042';
}

function wellFormed(routes: readonly Route[], request: Request, bare: string, canonical: string): number | string {
  const literal = readAs(routes, request, canonical);
  if (typeof literal === 'string') return literal;
  let { found } = literal;
  if (canonical.includes(';') && !literal.exact) {
    const plain = readAs(routes, request, withoutParameters(canonical));
    if (typeof plain === 'string') return plain;
    if (found >= 0 && plain.found >= 0 && found !== plain.found) return 'FIM-RT-0041';
    found = Math.max(found, plain.found);
  }
  if (found >= 0 || !/\/(\/|\.|%2e)/i.test(bare)) return found;
  const unresolved = readAs(
    routes,
    request,
    bare
      .split('/')
      .map((segment) => canonicalPath(`/-${segment}`)!.slice(2))
      .join('/'),
  );
  if (typeof unresolved === 'string') return unresolved;
  return unresolved.found < 0 ? -1 : 'FIM-RT-0040';
}

/** An escape in its canonical spelling, refused ones too. */
function spellingOf(escape: string): string {
  return canonicalPath(`/-${escape}`)?.slice(2) ?? escape.toUpperCase();
}

function malformed(routes: readonly Route[], request: Request, bare: string): number | string {
  const strict = bare.replace(/%[0-9a-f]{2}/gi, spellingOf);
  const loose = `${bare.startsWith('/') ? '' : '/'}${bare}`
    .replace(/\\|%5c|%2f/gi, '/')
    .replace(/(%00|#).*$/, '')
    .replace(/%(0[0-9a-f]|1[0-9a-f]|7f)/gi, '')
    .replace(/%[0-9a-f]{2}/gi, spellingOf);
  for (const reading of [resolved(strict), resolved(loose), withoutParameters(loose)]) {
    const verdict = readAs(routes, request, reading);
    if (typeof verdict === 'string' || verdict.found >= 0) return 'FIM-RT-0040';
  }
  return -1;
}

/** Segments resolved, on a path whose characters do not matter. */
function resolved(path: string): string {
  const kept: string[] = [];
  const segments = path.replace(/^\//, '').split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}${kept.length > 0 && ['', '.', '..'].includes(segments.at(-1)!) ? '/' : ''}`;
}

function withoutParameters(path: string): string {
  return resolved(path.replace(/;[^/]*/g, ''));
}

const HOSTS = ['*', 'a.com', 'A.com', 'b.a.com', 'c.b.a.com', '*.a.com', '*.b.a.com', '*.com', 'localhost', '1.2.3.4'];
const ASKED_HOSTS = [
  'a.com',
  'A.COM',
  'a.com:8080',
  'b.a.com',
  'x.b.a.com:1',
  'c.b.a.com',
  'xa.com',
  'com',
  '.a.com',
  '',
  'localhost:80',
  '1.2.3.4',
  '1.2.3.4:99',
  'a.com.',
  'q.com',
  'a.com,q.com',
  'u@a.com',
  'a.com:0',
  'a.com..',
];
const SEGMENTS = ['/a', '/b', '/ab', '/a.b', '/1', '/22', '/%E4%B8%AD', '/a:b'];
/** Segments of requests that are spelt in other ways. */
const OTHER_SEGMENTS = [
  '/A',
  '/',
  '/..',
  '/.',
  '/a%3ab',
  '/a%3Bx',
  '/b;y=1',
  '/%e4%b8%ad',
  '/..;',
  '/%61',
  '/a%2Fb',
  '/a%00',
  '/a%',
  '\\b',
  '/%2e%2E',
  '/a#b',
  '/a%0A',
  '/%1fb',
  '/a%7F%7e',
];
const METHODS = ['GET', 'POST', 'PUT'];
const PATTERNS = ['/a/[0-9]+', '/.*', '/a(/b)?', '/(a|b)/.*', '/a/b|/b/a', '/[a-z]+', '/1/(?:2|22)', '/ab?', '/a/'];
const VALUES = ['v1', 'v2', 'v2.1.3', ''];
const VALUE_PATTERNS = ['v[0-9]', 'v2.*', '.*', 'v1|v2'];

function randomPath(random: Random): string {
  let path = '';
  for (let i = random.below(4); i > 0; i--) path += random.pick(SEGMENTS);
  return path === '' ? '/' : path;
}

function randomRoute(random: Random): Route {
  const route: Route = { hosts: [], methods: [], headers: [] };
  for (let i = random.below(3); i > 0; i--) route.hosts.push(random.pick(HOSTS));
  for (let i = random.below(3); i > 1; i--) route.methods.push(random.pick(METHODS));
  if (random.chance(80)) {
    const kind = random.pick(PATH_KINDS);
    const value =
      kind === 'Pattern'
        ? random.pick(PATTERNS)
        : (randomPath(random) + (random.chance(20) ? '/' : '')).replace('//', '/');
    route.path = { kind, value };
  }
  for (let i = random.below(3); i > 1; i--) {
    const kind = random.pick(HEADER_KINDS);
    route.headers.push({
      kind,
      name: random.pick(['x-a', 'x-b']),
      value: kind === 'Pattern' ? random.pick(VALUE_PATTERNS) : random.pick(VALUES),
    });
  }
  return route;
}

function randomRequest(random: Random): Request {
  const headers: [string, string][] = [];
  for (const name of ['x-a', 'x-b', 'x-a']) if (random.chance(35)) headers.push([name, random.pick(VALUES)]);
  const query = random.chance(20) ? random.pick(['?', '?a=/b', '?%', '/?q']) : '';
  let path = random.chance(5) ? random.pick(['*', '', '//a', '/a//', 'a']) : randomPath(random);
  if (random.chance(40)) path += random.pick(OTHER_SEGMENTS) + (random.chance(50) ? random.pick(SEGMENTS) : '');
  return {
    host: random.pick(ASKED_HOSTS),
    method: random.pick([...METHODS, 'HEAD', 'get']),
    path: path + query,
    headers,
  };
}

describe('route index', () => {
  it('finds the first route that matches, for random tables and requests', (t) => {
    const random = new Random(7);
    const cases = caseCount(20_000);
    let found = 0;
    let later = 0;
    const refused = new Map<string, number>();
    for (let i = 0; i < cases; i++) {
      const routes = Array.from({ length: random.below(20) }, () => randomRoute(random));
      load(routes);
      for (let n = 0; n < 10; n++, i++) {
        const request = randomRequest(random);
        const expected = expectedOf(routes, request);
        const answer = ask(request);
        assert.equal(
          answer,
          typeof expected === 'string' ? -1 - errorId(expected) : expected,
          JSON.stringify({ expected, routes, request }),
        );
        if (typeof expected === 'string') refused.set(expected, (refused.get(expected) ?? 0) + 1);
        else if (expected >= 0) found++;
        if (typeof expected === 'number' && expected > 0) later++;
      }
    }
    t.diagnostic(
      `${found} of ${cases} requests met a route, ${later} not the first one; refused: ${[...refused]
        .sort()
        .map(([code, count]) => `${code} ${count}`)
        .join(', ')}`,
    );
    assert.ok(later > cases / 20);
    for (const code of ['FIM-RT-0040', 'FIM-RT-0041', 'FIM-RT-0042', 'FIM-RT-0043', 'FIM-RT-0044'])
      assert.ok((refused.get(code) ?? 0) > cases / 1000, code);
  });

  it('takes a time that does not grow with the number of routes', (t) => {
    const timeOf = (count: number): number => {
      const routes: Route[] = Array.from({ length: count }, (_, i) => ({
        hosts: i % 3 === 0 ? [`h${i}.a.com`] : i % 3 === 1 ? ['*.a.com'] : [],
        methods: [],
        path: i % 5 === 4 ? { kind: 'Pattern', value: `/p${i}/[0-9]+` } : { kind: 'Prefix', value: `/p${i}` },
        headers: [],
      }));
      load(routes);
      const request = { host: 'q.a.com', method: 'POST', path: `/p${count - 3}/12`, headers: [] };
      assert.equal(ask(request), expectedOf(routes, request));
      return (bestMs(3, () => void exports.findMany(20_000)) / 20_000) * 1e6;
    };
    const few = timeOf(12);
    const many = timeOf(999);
    t.diagnostic(`12 routes: ${few.toFixed(0)} ns, 999 routes: ${many.toFixed(0)} ns a request`);
    assert.ok(many < few * 3 + 200);
  });

  it('refuses more than the limit of routes that share host and path', () => {
    exports.start();
    for (let i = 0; i < 65; i++) {
      exports.beginRoute();
      exports.headerName(guest.put('x'));
      assert.equal(exports.routeHeader(0, guest.put(String(i))), 0);
      assert.equal(exports.endRoute(), i < 64 ? 0 : errorId('FIM-CFG-0025'));
    }
  });

  it('refuses patterns that are refused, and does not let them end the frame around them', () => {
    exports.start();
    exports.beginRoute();
    assert.equal(exports.routePath(2, guest.put('a)|(b')), errorId('FIM-CFG-0022'));
    assert.equal(exports.routePath(2, guest.put('(a)\\1')), errorId('FIM-CFG-0023'));
    assert.equal(exports.routeHost(guest.put('a'.repeat(254))), errorId('FIM-CFG-0014'));
    assert.equal(exports.routePath(0, guest.put('/'.repeat(1025))), errorId('FIM-CFG-0014'));
    for (const path of ['/a%3Ab', '/%e4', '/a//b', '/a/../b', '/支', '/a%2Fb', '/a?b', 'a', '/a|b'])
      assert.equal(exports.routePath(0, guest.put(path)), errorId('FIM-CFG-0026'), path);
  });
});
