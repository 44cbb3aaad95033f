// Who meets a canary, by the address and the certificate of the client, in two Envoys and over a restart.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as requestInClear } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { makeAuthority, makeCertificate, type Authority, type Certificate } from './certificates.ts';
import { control } from './control.ts';
import { Harness } from './harness.ts';
import { Certificates } from './tlcp-client.ts';

const NEW_CODE = '{"transCode":"02000000"}';
const HEADERS = { 'content-type': 'application/json' };

/** A route whose canary takes codes of 02, too. */
const route = (canary: string, tls = ''): string => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  ${tls}
  validation: {fields: [{name: transCode, pattern: "^01[0-9]{6}$"}]}
  canary:
    ${canary}
    variantHeader: true
    spec: {validation: {fields: [{name: transCode, pattern: "^0[12][0-9]{6}$"}]}}
`;

/** Last parts of addresses of loopback whose new codes are taken. */
async function addressesOf({ stack }: Harness): Promise<number[]> {
  const taken: number[] = [];
  for (let last = 2; last < 42; last++) {
    const status = await new Promise<number>((done, failed) => {
      const { port } = stack.listen;
      const options = { host: '127.0.0.1', port, localAddress: `127.0.0.${last}`, method: 'POST', headers: HEADERS };
      const asked = requestInClear({ ...options, agent: false }, (response) => {
        response.resume().on('end', () => done(response.statusCode ?? 0));
      });
      asked.on('error', failed).end(NEW_CODE);
    });
    if (status === 200) taken.push(last);
  }
  return taken;
}

describe('a canary for addresses of clients', () => {
  it('is met by the same ones in two Envoys and after a restart, and by more of them with each step', async (t) => {
    const stateFolder = mkdtempSync(join(tmpdir(), 'fim-state-'));
    t.after(() => rmSync(stateFolder, { recursive: true, force: true }));
    const routes = route('hash: {sourceAddress: true}\n    steps: [20, 60]\n    interval: 1h');
    const first = await Harness.start({ routes, stateFolder });
    let small: number[];
    let large: number[];
    try {
      small = await addressesOf(first);
      assert.equal((await control(first, 'POST', '/canary/step')).body.canary.share, 60);
      large = await addressesOf(first);
    } finally {
      await first.stop();
    }
    assert.ok(small.length > 0 && large.length > small.length && large.length < 40, `${small.length}, ${large.length}`);
    assert.deepEqual(
      small.filter((one) => !large.includes(one)),
      [],
    );
    const again = await Harness.start({ routes, stateFolder });
    t.after(() => again.stop());
    assert.deepEqual(await addressesOf(again), large, 'after a restart');
    const other = await Harness.start({ routes });
    t.after(() => other.stop());
    assert.deepEqual(await addressesOf(other), small, 'in another Envoy, at its first step');
  });
});

/** A proxy with ordinary TLS whose clients have certificates of the authority. */
async function startTls(t: TestContext, authority: Authority, canary: string): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-canary-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [certFile, keyFile] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  const server = makeCertificate(authority, 'gateway');
  writeFileSync(certFile, server.certificate);
  writeFileSync(keyFile, server.key);
  const trust = JSON.stringify(authority.certificate);
  const tls = `tls: {cipherSuites: [ECDHE-SM4-SM3], alsoTls: {trust: ${trust}}}`;
  const harness = await Harness.start({
    routes: route(canary, tls),
    tlcp: (await Certificates.make()).identity,
    tlsIdentity: { certFile, keyFile },
  });
  t.after(() => harness.stop());
  return harness;
}

function ask(
  { stack }: Harness,
  authority: Authority,
  client: Certificate,
  headers: Record<string, string> = {},
): Promise<number> {
  return new Promise((done, failed) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: stack.listen.port,
        method: 'POST',
        ca: authority.certificate,
        cert: client.certificate,
        key: client.key,
        headers: { ...HEADERS, ...headers },
        agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }),
      },
      (response) => void response.resume().on('end', () => done(response.statusCode ?? 0)),
    );
    asked.on('error', failed).end(NEW_CODE);
  });
}

describe('a canary for certificates of clients', () => {
  const authority = makeAuthority('Bank Root');

  it('is met by who has one of its names, and by nobody who says so', async (t) => {
    const header = 'header: {name: X-Canary, value: v2, clientCertificate: Subject, values: ["CN=tester"]}';
    const harness = await startTls(t, authority, header);
    const tester = makeCertificate(authority, 'tester');
    const teller = makeCertificate(authority, 'teller');
    assert.equal(await ask(harness, authority, tester, { 'x-canary': 'v2' }), 200);
    const { headers } = harness.upstream.arrived.at(-1)!;
    assert.deepEqual([headers['x-fim-variant'], headers['x-canary']], ['canary', undefined]);
    assert.equal(await ask(harness, authority, tester), 422, 'without the header');
    assert.equal(await ask(harness, authority, tester, { 'x-canary': 'v1' }), 422);
    const forged = { 'x-canary': 'v2', 'x-fim-client-subject': 'CN=tester', x_fim_client_subject: 'CN=tester' };
    assert.equal(await ask(harness, authority, teller, forged), 422, 'of somebody else');
  });

  it('is met by a share of them, each always or never', async (t) => {
    const harness = await startTls(t, authority, 'hash: {clientCertificate: true}\n    percent: 50');
    const clients = Array.from({ length: 24 }, (_, number) => makeCertificate(authority, `client ${number}`));
    const look = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (const client of clients) statuses.push(await ask(harness, authority, client));
      return statuses;
    };
    const statuses = await look();
    assert.deepEqual([...new Set(statuses)].sort(), [200, 422]);
    assert.deepEqual(await look(), statuses);
  });
});
