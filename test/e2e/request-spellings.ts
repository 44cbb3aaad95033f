// Requests spelt in every way that a server might take for a protected one, and a look at who runs what for them: a
// server by itself, and behind FIM.
import { connect } from 'node:net';
import type { Harness } from './harness.ts';
import { route, together } from './resources.ts';

const REPLY_TIMEOUT_MS = 60_000;
const AT_A_TIME = 24;
/** Query that every route refuses. */
const BAD_QUERY = '?transCode=99';
const BAD_BODY = '{"transCode":"99"}';

export interface SpeltRequest {
  method: string;
  path: string;
  /** Lines of the head, `host` among them. */
  headers: readonly string[];
}

export interface Outcome {
  status: number;
  /** Name of the code that the server ran; absent: none. */
  executed?: string;
  /** Code of FIM's refusal. */
  code?: string;
}

const inBody = { validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] } };
const inQuery = { validation: { fields: [{ name: 'transCode', in: 'Query', pattern: '^01[0-9]{6}$' }] } };
const exact = (value: string): object => ({ type: 'Exact', value });

/** One route for each transaction code that the test's servers know. */
export const PROTECTING_ROUTES = together(
  route('transfer', { match: { path: exact('/v1/accounts:transfer'), methods: ['POST'] }, ...inBody }),
  route('chinese', { match: { path: exact('/支付/转账') }, ...inQuery }),
  route('pay', { match: { path: exact('/v1/pay'), methods: ['POST'] }, ...inBody }),
  route('query', { match: { path: exact('/v1/query'), methods: ['GET', 'PUT'] }, ...inQuery }),
  route('fund', { match: { path: { value: '/v1/fund' } }, ...inQuery }),
  route('vault', { match: { path: exact('/v1/vault'), hosts: ['pay.bank.test'] }, ...inQuery }),
  route('role', { match: { path: exact('/v1/role'), headers: [{ name: 'x-role', value: 'user' }] }, ...inQuery }),
);

const CHINESE = '/%E6%94%AF%E4%BB%98/%E8%BD%AC%E8%B4%A6';
const HOST = 'host: x';

function post(path: string): SpeltRequest {
  return { method: 'POST', path, headers: [HOST] };
}

/**
 * Each byte as an escape in both cases, put before, into and after a path, and each character of the path as its
 * escape.
 */
function escapesIn(path: string): string[] {
  const found = [];
  const middle = path.lastIndexOf('/') + 1;
  for (let byte = 0; byte < 256; byte++) {
    const digits = byte.toString(16).padStart(2, '0');
    for (const escape of new Set([`%${digits}`, `%${digits.toUpperCase()}`])) {
      for (const at of [1, middle, middle + 1, path.length]) found.push(path.slice(0, at) + escape + path.slice(at));
      for (const at of path.matchAll(/[^/]/g))
        if (at[0].charCodeAt(0) === byte) found.push(path.slice(0, at.index) + escape + path.slice(at.index + 1));
    }
  }
  return found;
}

/** Put in the place of the slash before the last segment, and of the first. */
const BETWEEN = [
  '//',
  '/./',
  '/x/../',
  '/x//../',
  '/%2e/',
  '/x/%2e%2E/',
  '/..;/',
  '/x/..;/',
  '/;/',
  '/;a=b/',
  '/x/..;a/',
  '/.;/',
  '\\',
  '%5C',
  '%2F',
  '/%2F',
  '%2f',
  '/%2e%2e/',
  '/x%2f..%2f',
  '/x/..%2F',
  '/%00/',
  '/ /',
  '/%20/',
  '/\t/',
  '/%09/',
  '/.%2e/',
  '/%252e%252e/',
  '%252F',
  '%c0%af',
  '%ef%bc%8f',
];

/** Put behind a path. */
const BEHIND = [
  '/',
  '//',
  '/.',
  '/..',
  '/./',
  ';',
  ';a=b',
  ';/',
  '/;',
  '.',
  '..',
  '...',
  '%20',
  '%2e',
  '%00',
  '%00.x',
  '%0a',
  '%0d',
  '%3b',
  '%3Ba',
  '%23',
  '%3F',
  '%3fa',
  '#',
  '#a',
  '%',
  '%4',
  '%zz',
  '%u0020',
  '.json',
  '.do',
  '~',
  '*',
  '%2A',
  '/%2e',
  '%2F',
  '%5c',
  '\\',
  '/x/..',
  '/x/../',
  '/%2e%2e/',
  ' ',
  '\t',
  '%E2%80%8B',
  '%c2%a0',
  '%ff',
  '\xa0',
  '\xff',
];

/** A path in other cases, with empty and dot segments, parameters, slashes and backslashes. */
function shapesOf(path: string): string[] {
  const cut = path.lastIndexOf('/');
  const [head, tail] = [path.slice(0, cut), path.slice(cut + 1)];
  const lower = path.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
  const raw = Buffer.from(decodeURIComponent(path)).toString('latin1');
  const escaped = path.replace(/%[0-9A-F]{2}|[^/]/g, (text) =>
    text.length === 1 ? `%${text.charCodeAt(0).toString(16)}` : text,
  );
  const shapes = [
    path,
    lower,
    escaped,
    path.replaceAll(':', '%3A'),
    path.replaceAll(':', '%3a'),
    path.toLowerCase(),
    path.toUpperCase(),
    path.replace(/\/(\w)/g, (text) => text.toUpperCase()),
    raw,
    `http://x${path}`,
    `//x${path}`,
    path.slice(1),
    `%2F${path.slice(1)}`,
    `.${path}`,
    `/.${path}`,
    `/..${path}`,
    `/x/..${path}`,
    `\\${path.slice(1)}`,
    encodeURIComponent(path),
    path.replace(/%/g, '%25'),
    `*${path}`,
    `;${path}`,
    `/;x${path}`,
  ];
  return [
    ...shapes,
    ...BETWEEN.map((text) => `${head}${text}${tail}`),
    ...BEHIND.map((text) => path + text),
    ...BETWEEN.map((text) => `${text}${path.slice(1)}`),
  ];
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'post',
  'Post',
  'get',
  'POST ',
  'PURGE',
  'PROPFIND',
  'QUERY',
  'M-SEARCH',
];
const HOSTS = [
  'pay.bank.test',
  'PAY.bank.test',
  'pay.bank.test.',
  'pay.bank.test..',
  'pay.bank.test:80',
  'pay.bank.test:abc',
  'pay.bank.test:',
  'pay.bank.test:0',
  'pay.bank.test:99999',
  'u@pay.bank.test',
  'u:p@pay.bank.test',
  'pay.bank.test@x',
  'pay.bank.test,x',
  'x,pay.bank.test',
  'x pay.bank.test',
  'pay.bank.test x',
  'pay.bank%2etest',
  'pay%2Ebank.test',
  '%70ay.bank.test',
  'pay.bank.test%00',
  'pay.bank.test/',
  'pay.bank.test?',
  'pay.bank.test#',
  '.pay.bank.test',
  'pay..bank.test',
  '[pay.bank.test]',
  '',
  'x',
  '_.bank.test',
  '\tpay.bank.test',
  'pay.bank.test\t',
];
const OVERRIDES = ['x-http-method-override', 'x-method-override', 'x-http-method', 'X_HTTP_METHOD_OVERRIDE'];

/** Some thousand requests; of the escapes of each byte, every `nth`. */
export function speltRequests(nth = 1): SpeltRequest[] {
  const paths = ['/v1/accounts:transfer', '/v1/pay', '/v1/fund/redeem', CHINESE];
  const spelt = [
    ...new Set(
      paths.flatMap((path) => [...escapesIn(path).filter((_, index) => index % nth === 0), ...shapesOf(path)]),
    ),
  ].map(post);
  const methods = ['/v1/pay', '/v1/query', '/v1/fund'].flatMap((path) =>
    METHODS.map((method) => ({ method, path, headers: [HOST] })),
  );
  const vault = { method: 'POST', path: '/v1/vault' };
  const hosts = HOSTS.map((host) => ({ ...vault, headers: [`host: ${host}`] }));
  const pairs = [
    ['x', 'pay.bank.test'],
    ['pay.bank.test', 'x'],
    ['pay.bank.test', 'pay.bank.test'],
  ].map(([first, second]) => ({ ...vault, headers: [`host: ${first}`, `Host: ${second}`] }));
  const absolute = [
    { ...vault, path: 'http://pay.bank.test/v1/vault', headers: [HOST] },
    { ...vault, path: 'http://x/v1/vault', headers: ['host: pay.bank.test'] },
    { ...vault, headers: [] },
  ];
  const roles = [
    ['user'],
    ['user', 'admin'],
    ['admin', 'user'],
    ['user', 'user'],
    ['user, admin'],
    [' user '],
    ['', 'user'],
    ['user', ''],
  ].map((values) => ({
    method: 'POST',
    path: '/v1/role',
    headers: [HOST, ...values.map((value) => `x-role: ${value}`)],
  }));
  const underscores = [['x_role: user'], ['x-role: admin', 'x_role: user'], ['x_role: user', 'x-role: admin']].map(
    (lines) => ({ method: 'POST', path: '/v1/role', headers: [HOST, ...lines] }),
  );
  const overrides = OVERRIDES.flatMap((name) =>
    ['GET', 'PUT', 'DELETE'].map((method) => ({ method, path: '/v1/pay', headers: [HOST, `${name}: POST`] })),
  );
  const elsewhere = ['x-original-url', 'x-rewrite-url'].map((name) => ({
    method: 'POST',
    path: '/elsewhere',
    headers: [HOST, `${name}: /v1/pay`],
  }));
  return [...spelt, ...methods, ...hosts, ...pairs, ...absolute, ...roles, ...underscores, ...overrides, ...elsewhere];
}

function headOf(request: SpeltRequest): string {
  const at = request.path.search(/[?#]/);
  const path = at < 0 ? request.path + BAD_QUERY : request.path.slice(0, at) + BAD_QUERY + request.path.slice(at);
  const body = /^(GET|HEAD)$/i.test(request.method) ? '' : BAD_BODY;
  const length = body === '' ? [] : ['content-type: application/json', `content-length: ${body.length}`];
  return [`${request.method} ${path} HTTP/1.1`, ...request.headers, 'connection: close', ...length, '', body].join(
    '\r\n',
  );
}

/** Whether a response with a stated length is complete. A server that refused may take a second to close. */
function isWhole(text: string): boolean {
  const [head, body] = text.split(/\r\n\r\n(.*)/s);
  const length = /^content-length: *(\d+)\s*$/im.exec(head!)?.[1];
  return body !== undefined && length !== undefined && body.length >= Number(length);
}

/**
 * Sends one request on a connection of its own, byte by byte as it is spelt, and reads the answer. Status 0: the server
 * closed without one.
 */
export async function ask(port: number, request: SpeltRequest): Promise<Outcome> {
  return new Promise((done, failed) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    const finish = (): void => {
      socket.destroy();
      const head = text.split('\r\n\r\n')[0]!;
      const executed = /^x-executed: *(\S+)/im.exec(head)?.[1];
      const code = /"code":"(FIM-[A-Z]+-\d+)"/.exec(text)?.[1];
      done({
        status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0),
        ...(executed === undefined ? {} : { executed }),
        ...(code === undefined ? {} : { code }),
      });
    };
    socket.setTimeout(REPLY_TIMEOUT_MS, () => {
      socket.destroy();
      failed(new Error(`no reply in time: ${JSON.stringify(request)}`));
    });
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      if (isWhole(text)) finish();
    });
    socket.on('error', finish).on('close', finish);
    socket.write(Buffer.from(headOf(request), 'latin1'));
  });
}

/** Results of all requests to a server alone and behind FIM. */
export interface Comparison {
  asked: number;
  /** Alone: it ran protected code. */
  executed: number;
  /** Requests behind FIM by outcome: refused by a rule of the route, for their form, by Envoy, by the server. */
  judged: number;
  unclear: number;
  byProxy: number;
  notFound: number;
  /** Behind FIM it ran protected code for a bad message: there must be none. */
  passed: { request: SpeltRequest; executed: string }[];
  /** By code, all refusals of FIM. */
  codes: Map<string, number>;
}

async function inTurns<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      while (next < items.length) await each(items[next++]!);
    }),
  );
}

/** Asks the server at `port` alone and behind the harness. */
export async function compare(harness: Harness, port: number, requests: readonly SpeltRequest[]): Promise<Comparison> {
  const result: Comparison = {
    asked: requests.length,
    executed: 0,
    judged: 0,
    unclear: 0,
    byProxy: 0,
    notFound: 0,
    passed: [],
    codes: new Map(),
  };
  await inTurns(requests, async (request) => {
    const alone = await ask(port, request);
    const behind = await ask(harness.stack.listen.port, request);
    if (behind.code !== undefined) result.codes.set(behind.code, (result.codes.get(behind.code) ?? 0) + 1);
    if (behind.executed !== undefined) result.passed.push({ request, executed: behind.executed });
    if (alone.executed === undefined) return;
    result.executed++;
    if (behind.code === undefined) result.notFound++;
    else if (behind.code.startsWith('FIM-RT-002')) result.byProxy++;
    else if (behind.code.startsWith('FIM-PBOC')) result.judged++;
    else result.unclear++;
  });
  return result;
}

export function tableRow(name: string, result: Comparison): string {
  const codes = [...result.codes]
    .filter(([code]) => !code.startsWith('FIM-PBOC'))
    .sort()
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
  return `${name}: ${result.asked} asked, alone it ran ${result.executed}; behind FIM ${result.judged} judged, ${result.unclear} refused as unclear, ${result.byProxy} by Envoy, ${result.notFound} not run, ${result.passed.length} passed (${codes})`;
}
