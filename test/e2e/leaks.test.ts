// No key, plaintext or token in anything that FIM or Envoy shows: dumps, counters, logs at every level, replies,
// rendered resources, files.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fim } from '../standalone/command.ts';
import { Harness, KEY_ID } from './harness.ts';
import type { Reply } from './http-client.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';
import type { Output, Secret } from './secret-search.ts';
import { findSecrets, formsOf } from './secret-search.ts';

const TOKEN = 's.K4rPqWx81zLmT0vBnYd3';
/** Texts that stand nowhere else. */
const MARKS = ['Qz7-plain-amount-91', '季度赎回-机密-4417', '6222020000000000079', 'Qz7-rejected-33'];
const ROUTES = together(
  route('in', { match: { path: { type: 'Exact', value: '/in' } }, encryption: { keyId: KEY_ID, request: 'Decrypt' } }),
  route('none', {
    match: { path: { type: 'Exact', value: '/none' } },
    encryption: { keyId: 'kms://prod/none', request: 'Encrypt' },
  }),
  route('out', {
    match: { path: { type: 'Exact', value: '/out' } },
    validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] },
    masking: { fields: [{ name: 'card', method: 'Full', direction: 'Request' }] },
    encryption: { keyId: KEY_ID, request: 'Encrypt', response: 'Encrypt' },
  }),
);
const ADMIN_PATHS = [
  '/config_dump',
  '/config_dump?include_eds',
  '/stats',
  '/stats?format=json',
  '/stats?usedonly',
  '/stats/prometheus',
  '/clusters',
  '/clusters?format=json',
  '/listeners?format=json',
  '/server_info',
  '/certs',
  '/runtime',
  '/memory',
  '/init_dump',
];

let harness: Harness;
const replies: Reply[] = [];
before(async () => {
  harness = await Harness.start({
    routes: ROUTES,
    kmsOnDisk: true,
    token: TOKEN,
    kms: { refreshMs: 200, holdMs: 400 },
    logsAccess: true,
  });
  await fetch(new URL('/logging?level=debug', harness.stack.envoy.admin.base), { method: 'POST' });
  await fetch(new URL('/logging?wasm=trace', harness.stack.envoy.admin.base), { method: 'POST' });
});
after(() => harness.stop());

async function traffic(): Promise<void> {
  const [plain, memo, card, rejected] = MARKS as [string, string, string, string];
  const good = JSON.stringify({ transCode: '01200101', plain, memo, card });
  const bodies: [path: string, body: string][] = [
    ['/out', good],
    ['/out', JSON.stringify({ transCode: rejected, memo })],
    ['/out', `{"transCode":"${rejected}`],
    ['/none', good],
    ['/in', good],
  ];
  for (let n = 0; n < 4; n++) {
    for (const [path, body] of bodies) replies.push(await send(harness.url, { path, body }));
    const sealed = harness.upstream.arrived.findLast(({ path }) => path === '/out')!.body.toString();
    replies.push(await send(harness.url, { path: '/in', body: sealed }));
    assert.equal(replies.at(-1)!.status, 200);
    replies.push(await send(harness.url, { path: '/in', body: sealed.replace(/"tag":"../, '"tag":"AA') }));
    replies.push(await send(harness.url, { path: '/in', body: sealed.replace(/#\d+"/, '#999"') }));
    harness.kms.rotate(KEY_ID);
    await harness.poll(async () => {
      await send(harness.url, { path: '/out', body: good });
      return harness.upstream.arrived
        .at(-1)!
        .body.toString()
        .includes(`#${n + 2}"`);
    });
  }
}

async function filesBelow(folder: string, name: string): Promise<Output[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.wasm'));
  return Promise.all(
    files.map(async (entry) => ({
      name: `${name}/${entry.name}`,
      bytes: await readFile(join(entry.parentPath, entry.name)),
    })),
  );
}

/** Everything that somebody may see who has no business with keys. */
async function outputs(): Promise<Output[]> {
  const found: Output[] = [];
  for (const path of ADMIN_PATHS)
    found.push({ name: path, bytes: Buffer.from(await harness.stack.envoy.admin.get(path)) });
  found.push({ name: 'log', bytes: Buffer.from(harness.log.join('\n')) });
  found.push({ name: 'events', bytes: Buffer.from(JSON.stringify(harness.events)) });
  found.push({ name: 'access log', bytes: await readFile(harness.accessLog) });
  for (const { status, headers, body } of replies)
    if (status >= 400)
      found.push({ name: `reply ${status}`, bytes: Buffer.concat([Buffer.from(JSON.stringify(headers)), body]) });
  const rendered = await fim(['render', harness.routeFile, '--for', 'envoy']);
  assert.equal(rendered.status, 0, rendered.stderr);
  found.push({ name: 'fim render', bytes: Buffer.from(rendered.stdout) });
  // The folder of Envoy's bootstrap and discovered files.
  const commandLine = (await readFile(`/proc/${harness.stack.envoy.pid}/cmdline`, 'utf8')).split('\0');
  found.push(...(await filesBelow(dirname(commandLine[commandLine.indexOf('-c') + 1]!), 'run')));
  found.push(...(await filesBelow(harness.kmsFolder, 'kms')));
  return found;
}

function secrets(): Secret[] {
  const register = harness.kms.register;
  const keys = register.list().flatMap((key) =>
    key.versions.map((version) => ({
      name: `${key.path}#${version.version}`,
      bytes: register.material(key, version),
    })),
  );
  return [
    ...keys,
    { name: 'token', bytes: Buffer.from(TOKEN) },
    ...MARKS.map((mark, n) => ({ name: `plaintext ${n}`, bytes: Buffer.from(mark) })),
  ];
}

test('the search finds every form of a secret, wherever it stands', () => {
  for (let n = 0; n < 50; n++) {
    const bytes = randomBytes(16);
    const secret = { name: 'planted', bytes };
    const around = (text: Buffer): Buffer => Buffer.concat([randomBytes(n % 7), text, randomBytes(n % 5)]);
    for (const [form, text] of formsOf(bytes))
      assert.ok(findSecrets([{ name: 'o', bytes: around(text) }], [secret]).includes(`o: planted as ${form}`), form);
    const within = around(bytes);
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      assert.ok(
        findSecrets([{ name: 'o', bytes: Buffer.from(`{"x":"${within.toString(encoding)}"}`) }], [secret]).length > 0,
        encoding,
      );
    }
    assert.deepEqual(findSecrets([{ name: 'o', bytes: randomBytes(4096) }], [secret]), []);
  }
});

test('after traffic of every kind, at every level of the log, no output holds a key, a plaintext or the token', async (t) => {
  await traffic();
  const looked = await outputs();
  assert.ok(replies.some(({ status }) => status === 503) && replies.some(({ status }) => status === 422));
  for (const needed of [
    'log',
    'access log',
    'kms/audit.jsonl',
    'kms/keys.json',
    'run/envoy.json',
    'run/kms-token.json',
    'fim render',
  ])
    assert.ok(
      looked.some(({ name, bytes }) => name === needed && bytes.length > 50),
      needed,
    );
  assert.ok(
    looked.some(({ name, bytes }) => name === 'log' && bytes.includes('[wasm]')),
    'the modules log at the level that was set',
  );
  t.diagnostic(
    `${looked.length} outputs, ${looked.reduce((sum, { bytes }) => sum + bytes.length, 0)} bytes, ${secrets().length} secrets in ${formsOf(Buffer.alloc(1)).size} forms`,
  );
  assert.deepEqual(findSecrets(looked, secrets()), []);
});

test('what a user plants in a resource is found in the dump by the same search', async () => {
  const [key] = harness.kms.register.list();
  const planted = harness.kms.register.material(key!, key!.versions[0]!);
  assert.equal(
    (
      await harness.edit(
        route('planted', {
          encryption: { keyId: KEY_ID, request: 'Encrypt', context: planted.toString('hex').toUpperCase() },
        }),
      )
    ).event,
    'applied',
  );
  const found = findSecrets(await outputs(), secrets());
  assert.ok(found.includes(`/config_dump: ${key!.path}#1 as HEX`), found.join('; '));
  assert.ok(found.some((hit) => hit.startsWith('fim render')));
});
