// Callers see what their token, verified by Envoy's JWT filter, lets them see, and what the proxy's log prints of a
// masked request: an Envoy with both, configured as the masker's README says.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EnvoyProcess } from '../../envoy/standalone/envoy-process.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { Harness } from './harness.ts';
import { JSON_TYPE, send } from './http-client.ts';
import { route } from './resources.ts';

const SECRET = randomBytes(32);
const PHONE = '13800138000';
const MASKED = '138****8000';
const ROUTE = route('seen', {
  masking: {
    fields: [
      { name: 'phone', kind: 'Phone' },
      { header: 'X-User-Phone', kind: 'Phone', direction: 'Both' },
      { parameter: 'phone', kind: 'Phone' },
    ],
    reveal: [
      { claim: 'role', values: ['teller'], kinds: ['Phone'] },
      { claim: 'realm.roles', values: ['auditor'], classes: ['C2'] },
    ],
  },
});

interface Manager {
  http_filters: EnvoyObject[];
  access_log: EnvoyObject[];
}

const folder = mkdtempSync(join(tmpdir(), 'fim-e2e-'));
const log = join(folder, 'access.log');
let harness: Harness;
let envoy: EnvoyProcess;
before(async () => {
  harness = await Harness.start({ routes: ROUTE });
  const ready = harness.events.find((event) => event.event === 'ready')!;
  const words = readFileSync(`/proc/${ready.pid}/cmdline`, 'utf8').split('\0');
  const bootstrap = JSON.parse(readFileSync(words[words.indexOf('-c') + 1]!, 'utf8')) as EnvoyObject;
  extend(bootstrap);
  envoy = await EnvoyProcess.start({ binary: ready.envoy, bootstrap, folder, concurrency: 1 });
});
after(async () => {
  await envoy?.stop();
  await harness?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Puts the JWT filter before FIM's, and a log with the README's format. */
function extend(bootstrap: EnvoyObject): void {
  const { listeners } = bootstrap.static_resources as unknown as {
    listeners: { filter_chains: { filters: { typed_config: Manager }[] }[] }[];
  };
  const manager = listeners[0]!.filter_chains[0]!.filters[0]!.typed_config;
  const filters = 'type.googleapis.com/envoy.extensions';
  manager.http_filters.unshift({
    name: 'envoy.filters.http.jwt_authn',
    typed_config: {
      '@type': `${filters}.filters.http.jwt_authn.v3.JwtAuthentication`,
      providers: {
        bank: {
          issuer: 'bank',
          payload_in_metadata: 'payload',
          local_jwks: {
            inline_string: JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', k: SECRET.toString('base64url') }] }),
          },
        },
      },
      rules: [
        {
          match: { prefix: '/' },
          requires: { requires_any: { requirements: [{ provider_name: 'bank' }, { allow_missing: {} }] } },
        },
      ],
    },
  });
  const format = {
    path: '%FILTER_STATE(wasm.fim.masked_path:PLAIN)%',
    phone: '%FILTER_STATE(wasm.fim.masked_x_user_phone:PLAIN)%',
  };
  manager.access_log = [
    {
      name: 'envoy.access_loggers.file',
      typed_config: {
        '@type': `${filters}.access_loggers.file.v3.FileAccessLog`,
        path: log,
        log_format: { json_format: format },
      },
    },
  ];
}

function token(claims: object, secret = SECRET): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256' })}.${part({ iss: 'bank', ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

async function seen(authorization?: string): Promise<{ status: number; text: string }> {
  harness.upstream.answer = (_, response) => response.writeHead(200, JSON_TYPE).end(`{"phone":"${PHONE}"}`);
  const reply = await send(`http://127.0.0.1:${envoy.listenPort}`, {
    path: `/?phone=${PHONE}`,
    headers: {
      ...JSON_TYPE,
      'x-user-phone': PHONE,
      ...(authorization ? { authorization: `Bearer ${authorization}` } : {}),
    },
    body: '{}',
  });
  return { status: reply.status, text: reply.body.toString() };
}

test('a claim of a verified token reveals; another, or none, does not', async () => {
  const clear = `{"phone":"${PHONE}"}`;
  const hidden = `{"phone":"${MASKED}"}`;
  assert.equal((await seen(token({ role: 'teller' }))).text, clear);
  assert.equal((await seen(token({ role: 'guest' }))).text, hidden);
  assert.equal((await seen(token({ role: 'tellers' }))).text, hidden);
  assert.equal((await seen(token({ role: 7 }))).text, hidden);
  assert.equal((await seen()).text, hidden);
  assert.equal((await seen(token({ realm: { roles: 'clerk auditor' } }))).text, clear);
  assert.equal((await seen(token({ realm: { roles: ['clerk', 'auditor'] } }))).text, clear, 'a list of roles');
  assert.equal((await seen(token({ realm: { roles: ['clerk', 'auditors', 7] } }))).text, hidden);
  assert.equal((await seen(token({ role: 'teller' }, randomBytes(32)))).status, 401);
});

test("the proxy's log prints masked values, also where the caller sees them", async () => {
  await seen(token({ role: 'teller' }));
  await envoy.stop();
  const lines = readFileSync(log, 'utf8').trim().split('\n').slice(-1);
  for (const line of lines) assert.deepEqual(JSON.parse(line), { path: `/?phone=${MASKED}`, phone: MASKED });
  assert.ok(!readFileSync(log, 'utf8').includes(PHONE));
});
