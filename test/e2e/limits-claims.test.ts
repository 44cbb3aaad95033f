// Limits beside Envoy's own JWT filter: its claims are keys, and what it refuses behind FIM is given back.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { EnvoyAdmin } from '../../envoy/standalone/envoy-admin.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { filterSlots, pluginResource, routeResource } from '../../envoy/xds/index.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import type { PluginConfig } from '../../envoy/route/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { RecordingUpstream } from './recording-upstream.ts';
import { bootstrapAt } from './wicked/swap.ts';

const DEADLINE_MS = 60_000;
const JWT_AUTHN = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const HOUR = 3_600_000;

const limit = (name: string, claim: string): object => ({
  name,
  id: `claims/${name}`,
  requests: 1,
  periodMs: HOUR,
  key: [{ source: 'Claim', name: claim }],
});
const CONFIG = {
  version: '1.0',
  generation: 1,
  routes: [
    {
      name: 'sub',
      match: { path: { value: '/sub' } },
      stages: { rateLimiter: { id: 'claims', limits: [limit('sub', 'sub')] } },
    },
    {
      name: 'number',
      match: { path: { value: '/number' } },
      stages: { rateLimiter: { id: 'claims', limits: [limit('number', 'client_number')] } },
    },
    {
      name: 'behind',
      match: { path: { value: '/behind' } },
      stages: {
        rateLimiter: {
          id: 'claims',
          limits: [{ name: 'behind', id: 'claims/behind', requests: 1, periodMs: HOUR, refund: true }],
        },
      },
    },
  ],
} as unknown as PluginConfig;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEYS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'one' }] });

function tokenOf(claims: object, key = privateKey): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'ES256', kid: 'one' })}.${encode({ iss: 'bank', ...claims })}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** Envoy's JWT filter. `prefix`: paths that it judges. `required`: it refuses requests without a token. */
function jwtFilter(name: string, prefix: string, required: boolean, header: string): EnvoyObject {
  const bank = { provider_name: 'bank' };
  const requires = required ? bank : { requires_any: { requirements: [bank, { allow_missing: {} }] } };
  return {
    name,
    typed_config: {
      '@type': JWT_AUTHN,
      providers: {
        bank: {
          issuer: 'bank',
          local_jwks: { inline_string: KEYS },
          payload_in_metadata: 'payload',
          from_headers: [{ name: header, value_prefix: 'Bearer ' }],
        },
      },
      rules: [{ match: { prefix }, requires }],
    },
  } as EnvoyObject;
}

describe("limits beside Envoy's JWT filter", () => {
  let upstream: RecordingUpstream;
  let folder: string;
  let envoy: ChildProcess;
  let url: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fim-claims-'));
    upstream = await RecordingUpstream.start();
    const [built] = await buildModules(['fim']);
    const bootstrap = JSON.parse(JSON.stringify(bootstrapAt(folder, upstream.url)), (name, value: unknown) => {
      if (name !== 'http_filters' || !JSON.stringify(value).includes('filters.http.router')) return value;
      const filters = value as EnvoyObject[];
      return [
        jwtFilter('envoy.filters.http.jwt_authn', '/', false, 'authorization'),
        ...filters.slice(0, -1),
        jwtFilter('behind', '/behind', true, 'x-second-token'),
        filters.at(-1),
      ];
    }) as EnvoyObject;
    writeFileSync(join(folder, 'routes.json'), JSON.stringify(routeResource(CONFIG)));
    writeFileSync(
      join(folder, 'fim.json'),
      JSON.stringify(pluginResource(filterSlots('fused')[0]!, built!.path, CONFIG)),
    );
    writeFileSync(join(folder, 'envoy.json'), JSON.stringify(bootstrap));
    const address = join(folder, 'address');
    const options = ['--concurrency', '2', '--disable-hot-restart', '--log-level', 'off'];
    envoy = spawn(
      await envoyBinary(),
      ['-c', join(folder, 'envoy.json'), '--admin-address-path', address, ...options],
      { stdio: 'ignore' },
    );
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      assert.ok(Date.now() < deadline, 'Envoy is not ready in time');
      await pause(50);
      try {
        const admin = new EnvoyAdmin(new URL(`http://${readFileSync(address, 'utf8').trim()}`));
        url = `http://127.0.0.1:${await admin.listenerPort()}`;
        if ((await fetch(`${url}/ready`)).status === 200) break;
      } catch {
        // not yet
      }
    }
  });
  after(async () => {
    envoy?.kill('SIGKILL');
    await upstream?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`${url}${path}`, { headers });
    await response.arrayBuffer();
    return response.status;
  };
  const as = (claims: object): Record<string, string> => ({ authorization: `Bearer ${tokenOf(claims)}` });

  it('counts by a claim of a verified token, whatever else the token holds', async () => {
    assert.equal(await status('/sub', as({ sub: 'alice' })), 200);
    assert.equal(await status('/sub', as({ sub: 'alice', jti: '2' })), 429);
    assert.equal(await status('/sub', as({ sub: 'bob' })), 200);
    assert.equal(await status('/sub', as({ sub: 'carol', x: 'alice' })), 200);
    assert.equal(await status('/sub'), 200, 'the bucket of requests without a token');
    assert.equal(await status('/sub', as({ azp: 'dave' })), 429, 'a token without the claim shares it');
  });

  it('does not believe a token of another signer', async () => {
    const { privateKey: foreign } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.equal(await status('/sub', { authorization: `Bearer ${tokenOf({ sub: 'eve' }, foreign)}` }), 401);
    assert.equal(await status('/sub', as({ sub: 'eve' })), 200);
  });

  it('counts by a claim that is a number', async () => {
    assert.equal(await status('/number', as({ client_number: 7 })), 200);
    assert.equal(await status('/number', as({ client_number: 7 })), 429);
    assert.equal(await status('/number', as({ client_number: 8 })), 200);
  });

  it('gives back what the JWT filter behind it refuses', async () => {
    for (let i = 0; i < 4; i++) assert.equal(await status('/behind'), 401);
    const token = { 'x-second-token': `Bearer ${tokenOf({ sub: 'alice' })}` };
    assert.deepEqual([await status('/behind', token), await status('/behind', token)], [200, 429]);
  });
});
