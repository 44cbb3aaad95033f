// The route index against the plain reading of its promise: the first route of the list whose conditions all match.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
  headers: Map<string, string>;
}

const guest = compileGuest<RouteExports>('test/fuzz/routes');
const { exports } = guest;

function load(routes: readonly Route[]): void {
  exports.start();
  for (const route of routes) {
    exports.beginRoute();
    for (const host of route.hosts) assert.equal(exports.routeHost(guest.put(host)), 0);
    for (const method of route.methods) exports.routeMethod(guest.put(method));
    if (route.path !== undefined) assert.equal(exports.routePath(PATH_KINDS.indexOf(route.path.kind), guest.put(route.path.value)), 0);
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

function hostMatches(pattern: string, host: string): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const wanted = pattern.toLowerCase();
  if (wanted === '*') return true;
  return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) && name.length > wanted.length - 1 : name === wanted;
}

function pathMatches(path: Route['path'], full: string): boolean {
  if (path === undefined) return true;
  const bare = full.replace(/[?#].*$/s, '');
  if (path.kind === 'Exact') return bare === path.value;
  if (path.kind === 'Pattern') return new RegExp(`^(?:${path.value})$`, 'u').test(bare);
  const prefix = path.value.replace(/\/+$/, '');
  return prefix === '' || bare === prefix || bare.startsWith(`${prefix}/`);
}

function headerMatches(header: Header, request: Request): boolean {
  const value = request.headers.get(header.name);
  if (value === undefined) return false;
  if (header.kind === 'Present') return true;
  return header.kind === 'Exact' ? value === header.value : new RegExp(`^(?:${header.value})$`, 'u').test(value);
}

function firstThatMatches(routes: readonly Route[], request: Request): number {
  return routes.findIndex(
    (route) =>
      (route.hosts.length === 0 || route.hosts.some((host) => hostMatches(host, request.host))) &&
      (route.methods.length === 0 || route.methods.includes(request.method)) &&
      pathMatches(route.path, request.path) &&
      route.headers.every((header) => headerMatches(header, request)),
  );
}

const HOSTS = ['*', 'a.com', 'A.com', 'b.a.com', 'c.b.a.com', '*.a.com', '*.b.a.com', '*.com', 'localhost', '1.2.3.4'];
const ASKED_HOSTS = ['a.com', 'A.COM', 'a.com:8080', 'b.a.com', 'x.b.a.com:1', 'c.b.a.com', 'xa.com', 'com', '.a.com', '', 'localhost:80', '1.2.3.4', '1.2.3.4:99', 'a.com.', 'q.com'];
const SEGMENTS = ['/a', '/b', '/ab', '/a.b', '/1', '/22', '/中'];
const METHODS = ['GET', 'POST', 'PUT'];
const PATTERNS = ['/a/[0-9]+', '/.*', '/a(/b)?', '/(a|b)/.*', '/a/b|/b/a', '/[a-z]+', '/1/(?:2|22)', '/ab?'];
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
    const value = kind === 'Pattern' ? random.pick(PATTERNS) : randomPath(random) + (kind === 'Prefix' && random.chance(20) ? '/' : '');
    route.path = { kind, value };
  }
  for (let i = random.below(3); i > 1; i--) {
    const kind = random.pick(HEADER_KINDS);
    route.headers.push({ kind, name: random.pick(['x-a', 'x-b']), value: kind === 'Pattern' ? random.pick(VALUE_PATTERNS) : random.pick(VALUES) });
  }
  return route;
}

function randomRequest(random: Random): Request {
  const headers = new Map<string, string>();
  if (random.chance(40)) headers.set('x-a', random.pick(VALUES));
  if (random.chance(40)) headers.set('x-b', random.pick(VALUES));
  const query = random.chance(20) ? random.pick(['?', '?a=/b', '#x', '/?q']) : '';
  const path = random.chance(5) ? random.pick(['*', '', '//a', '/a//', 'a']) : randomPath(random);
  return { host: random.pick(ASKED_HOSTS), method: random.pick([...METHODS, 'get']), path: path + query, headers };
}

describe('route index', () => {
  it('finds the first route that matches, for random tables and requests', (t) => {
    const random = new Random(7);
    const cases = caseCount(40_000);
    let found = 0;
    let later = 0;
    for (let i = 0; i < cases; i++) {
      const routes = Array.from({ length: random.below(20) }, () => randomRoute(random));
      load(routes);
      for (let n = 0; n < 10; n++, i++) {
        const request = randomRequest(random);
        const expected = firstThatMatches(routes, request);
        assert.equal(ask(request), expected, JSON.stringify({ routes, request, headers: [...request.headers] }));
        if (expected >= 0) found++;
        if (expected > 0) later++;
      }
    }
    t.diagnostic(`${found} of ${cases} requests met a route, ${later} not the first one`);
    assert.ok(later > cases / 5);
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
      const request = { host: 'q.a.com', method: 'POST', path: `/p${count - 3}/12`, headers: new Map() };
      assert.equal(ask(request), firstThatMatches(routes, request));
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
  });
});
