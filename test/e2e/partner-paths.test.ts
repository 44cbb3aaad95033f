// Partners sign paths with the code that the README gives them. It is taken from there, run as it stands, and what it
// signs is verified by a real Envoy.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { canonical, sign } from '../protection/signing.ts';
import { until } from '../operator/until.ts';
import { Harness } from './harness.ts';
import { sendRaw } from './http-client.ts';
import { route, together } from './resources.ts';

const README = readFileSync(new URL('../../filters/message-signature/README.md', import.meta.url), 'utf8');
const VECTORS = JSON.parse(readFileSync(new URL('../vectors/canonical-paths.json', import.meta.url), 'utf8')) as {
  path: string;
  canonical: string | null;
}[];
/** Pieces of which paths are made, each with each. */
const PIECES = [
  '',
  '.',
  '..',
  '%2e',
  '.%2E',
  'a',
  'b%2Dc',
  '%e6%94%af',
  '转',
  'x;y=1',
  '..;',
  'd%3be',
  'f%20g',
  '%2541',
  '{h}',
  'Fund:redeem',
];
const QUERIES = ['', '?', '?a=%2d&b=//x/../y&c=a%2fb', '?q=%e6%94%af;{}[]"'];
const KEY = randomBytes(32);
const BODY = Buffer.from('{"amount":"100.00"}');
const AT_A_TIME = 8;
const HEADERS_THAT_PASS = ['x-client-id', 'content-type', 'date', 'user-agent', 'authorization', 'traceparent'];
/** Headers that Envoy writes or drops, from the README. */
const HEADERS_OF_ENVOY = [
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-client-cert',
  'connection',
  'proxy-connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'expect',
  'via',
  'server',
  'x-envoy-original-path',
];
/**
 * Dot segments with parameters: the code refuses them, for Envoy resolves some spellings and keeps others. FIM alone
 * takes them as text.
 */
const WITH_PARAMETERS = /\/(\.|%2e){1,2}(;|%3b)/i;

function codeOf(language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(README) ?? [];
  assert.ok(code, `the README has code in ${language}`);
  return code;
}

/** Result of each path. Null: the code throws. */
function inJavaScript(paths: readonly string[]): (string | null)[] {
  const script = `${codeOf('js')}; JSON.stringify(paths.map((path) => { try { return canonicalPath(path); } catch { return null; } }))`;
  return JSON.parse(runInNewContext(script, { paths }) as string) as (string | null)[];
}

function inPython(paths: readonly string[]): (string | null)[] {
  const main =
    'import json, sys\ndef attempt(path):\n    try:\n        return canonical_path(path)\n    except ValueError:\n        return None\nprint(json.dumps([attempt(path) for path in json.load(sys.stdin)]))\n';
  return JSON.parse(
    execFileSync('python3', ['-c', codeOf('python') + main], { input: JSON.stringify(paths), encoding: 'utf8' }),
  ) as (string | null)[];
}

const made = PIECES.flatMap((first) =>
  PIECES.flatMap((second) => [`/${first}/${second}`, `/a/${first}//${second}/`, `/${second}/${first}/../z`]),
);
const sent = [...new Set([...VECTORS.map(({ path }) => path).filter((path) => path.startsWith('/')), ...made])];

const signature = { keyId: 'kms://partner/hmac', request: 'Verify' };
const ofHeader = (name: string): string =>
  route(`of-${name}`, {
    match: { path: { type: 'Exact', value: `/of/${name}` } },
    signature: { ...signature, headers: [name] },
  });

const CLOCK_AHEAD_MS = 5_000;
let harness: Harness;
before(async () => {
  harness = await Harness.start({ routes: route('before', { masking: { fields: [{ path: '$.card' }] } }) });
  const started = Date.now();
  harness.kms.register.create('partner/hmac', 'HMAC-SM3', { material: Buffer.from(KEY) });
  const ofHeaders = HEADERS_THAT_PASS.map(ofHeader);
  const applied = await harness.edit(together(route('signed', { signature }), ...ofHeaders));
  assert.equal(applied.event, 'applied');
  // For the default of clockAhead after the start nothing that counts once is accepted.
  await until('the proxy accepts', () => Date.now() > started + CLOCK_AHEAD_MS);
});
after(async () => harness?.stop());

/** Status of a request whose path is sent as it is spelt and signed as `signed`. */
async function statusOf(
  path: string,
  signed: string,
  query: string,
  headers: [name: string, value: string][] = [],
): Promise<number> {
  const [time, nonce] = [String(Date.now()), randomBytes(16).toString('hex')];
  const signature = sign(
    { algorithm: 'HMAC-SM3', key: KEY },
    canonical(['FIM1-REQUEST', 'POST', signed, query.slice(1)], time, nonce, headers, BODY),
  );
  const own = new Map([['connection', 'close'], ['content-type', 'application/json'], ...headers]);
  const head = [
    `POST ${path}${query} HTTP/1.1`,
    'host: bank.test',
    ...[...own].map(([name, value]) => `${name}: \t${value}  `),
    `content-length: ${BODY.length}`,
    `x-fim-timestamp: ${time}`,
    `x-fim-nonce: ${nonce}`,
    `x-fim-signature: ${signature}`,
    '',
    '',
  ];
  const text = await sendRaw(harness.stack.listen.port, Buffer.concat([Buffer.from(head.join('\r\n')), BODY]));
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
}

/** Envoy takes no bare bytes beyond ASCII. */
function onTheWire(path: string): string {
  return path.replace(/[^\0-\x7f]/gu, encodeURIComponent);
}

async function statusesOf(requests: readonly [path: string, signed: string, query: string][]): Promise<number[]> {
  const statuses: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests.length) {
      const at = next++;
      statuses[at] = await statusOf(...requests[at]!);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return statuses;
}

test("the README's code in both languages agrees with the vectors that hold FIM to its canonical form, and with each other", () => {
  const vectors = VECTORS.filter(({ path }) => path !== ''); // CONNECT
  const expected = vectors.map(({ path, canonical: form }) => (WITH_PARAMETERS.test(path) ? null : form));
  assert.deepEqual(inJavaScript(vectors.map(({ path }) => path)), expected);
  assert.deepEqual(inPython(vectors.map(({ path }) => path)), expected);
  assert.deepEqual(inPython(made), inJavaScript(made));
});

test('what it signs is verified, however the path is spelt; of what it refuses nothing passes but dot segments with parameters', async (t) => {
  const forms = inJavaScript(sent);
  const requests = sent.map((path, at): [string, string, string] => [
    onTheWire(path),
    forms[at] ?? path,
    QUERIES[at % QUERIES.length]!,
  ]);
  const statuses = await statusesOf(requests);
  const wrong = requests
    .filter((_, at) =>
      forms[at] === null ? statuses[at]! < 400 && !WITH_PARAMETERS.test(sent[at]!) : statuses[at] !== 200,
    )
    .map((request) => [statuses[requests.indexOf(request)], ...request]);
  assert.deepEqual(wrong, []);
  t.diagnostic(
    `${forms.filter((form) => form !== null).length} spellings verified, ${forms.filter((form) => form === null).length} refused`,
  );
});

test('what goes on is the path that was signed; a signature of the spelling itself is refused', async () => {
  const from = harness.upstream.arrived.length;
  const spelt = ['/a%2Db', '//a-b', '/./a-b', '/x/../a-b', '/%61-b'];
  assert.deepEqual(
    await statusesOf(spelt.map((path) => [path, '/a-b', '?v=%2d'])),
    spelt.map(() => 200),
  );
  assert.deepEqual(
    harness.upstream.arrived.slice(from).map(({ path }) => path),
    spelt.map(() => '/a-b?v=%2d'),
  );
  assert.deepEqual(
    await statusesOf(spelt.map((path) => [path, path, ''])),
    spelt.map(() => 401),
  );
});

test('headers are signed without the spaces around them', async () => {
  const statuses = await Promise.all(
    HEADERS_THAT_PASS.map((name) => statusOf(`/of/${name}`, `/of/${name}`, '', [[name, 'application/json']])),
  );
  assert.deepEqual(
    statuses,
    HEADERS_THAT_PASS.map(() => 200),
  );
});

test('a route that signs a header which Envoy writes or drops is refused, as the README says', async () => {
  for (const name of HEADERS_OF_ENVOY) {
    const edit = await harness.edit(ofHeader(name));
    assert.equal(edit.event, 'rejected', name);
    assert.match(JSON.stringify(edit), /FIM-SIG-0005/);
    assert.ok(README.includes(name.replace(/^x-envoy-.*/, 'x-envoy-…')), name);
  }
});
