// `fim tlcp`: certificates, a server, a client and a probe of it, over real sockets.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';

const FIM = join(import.meta.dirname, '../../scripts/fim.ts');
const SET_UP_MS = 300_000;
const data = mkdtempSync(join(tmpdir(), 'fim-tlcp-'));
const env = { ...process.env, XDG_DATA_HOME: data };
const file = (name: string): string => join(data, 'fim/tlcp', name);

interface Run {
  status: number | null;
  out: string;
  err: string;
}

async function fim(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, [FIM, 'tlcp', ...args], { env });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}

/** `fim tlcp serve` on a free port. */
async function serve(...flags: string[]): Promise<{ child: ChildProcess; target: string }> {
  const args = [FIM, 'tlcp', 'serve', '--listen', '127.0.0.1:0', '--json', ...flags];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, target: (JSON.parse(line) as { listen: string }).listen.replace('127.0.0.1', 'localhost') };
}

let server: ChildProcess;
let target = '';

before(
  async () => {
    assert.equal((await fim('certs')).status, 0);
    ({ child: server, target } = await serve());
  },
  { timeout: SET_UP_MS },
);

after(async () => {
  server.kill();
  await once(server, 'close');
  rmSync(data, { recursive: true, force: true });
});

describe('fim tlcp certs', () => {
  it('makes what other programs read, keys for their owner only, and overwrites nothing', async () => {
    const sign = new X509Certificate(readFileSync(file('server-sign.pem')));
    assert.match(sign.subjectAltName ?? '', /DNS:localhost/);
    assert.ok(new X509Certificate(readFileSync(file('ca.pem'))).ca);
    for (const name of ['ca.key', 'server.pem', 'client-encrypt.key'])
      assert.equal(statSync(file(name)).mode & 0o777, 0o600);
    const again = await fim('certs');
    assert.deepEqual([again.status, again.err.includes('FIM-TLCP-0005')], [1, true]);
  });

  it('makes signing requests that OpenSSL reads', async () => {
    const out = join(data, 'requests');
    const made = await fim('certs', '--out', out, '--requests', 'C=CN, O=Bank, CN=gateway');
    assert.equal(made.status, 0, made.err);
    for (const use of ['sign', 'encrypt']) {
      assert.ok(existsSync(join(out, `${use}.key`)));
      const read = spawnSync('openssl', ['req', '-in', join(out, `${use}.csr`), '-noout', '-subject'], {
        encoding: 'utf8',
      });
      // Without the command the structure is looked at by its name alone.
      const subject = read.error ? readFileSync(join(out, `${use}.csr`), 'utf8') : read.stdout;
      assert.match(subject, read.error ? /CERTIFICATE REQUEST/ : /gateway/);
    }
  });
});

describe('fim tlcp get', () => {
  const agreed = (run: Run): Record<string, unknown> => JSON.parse(run.out) as Record<string, unknown>;

  it('without certificates', async () => {
    const run = await fim('get', `https://${target}/`);
    assert.equal(run.status, 0, run.err);
    assert.deepEqual(agreed(run), {
      suite: 'ECC_SM4_GCM_SM3',
      resumed: false,
      clientCertificate: false,
      serverName: 'localhost',
      protocol: 'http/1.1',
    });
  });

  it('with certificates and the suite of the resource', async () => {
    const run = await fim('get', `https://${target}/`, '--cert', file('client.pem'), '--suite', 'ECDHE-SM4-CBC-SM3');
    assert.equal(run.status, 0, run.err);
    assert.deepEqual([agreed(run)['suite'], agreed(run)['clientCertificate']], ['ECDHE_SM4_CBC_SM3', true]);
  });

  it('names alert, side and reason of what fails', async () => {
    const foreign = join(data, 'foreign');
    assert.equal((await fim('certs', '--out', foreign)).status, 0);
    const untrusted = await fim('get', `https://${target}/`, '--ca', join(foreign, 'ca.pem'));
    assert.equal(untrusted.status, 1);
    // Both authorities have one name: the key is another.
    assert.match(untrusted.err, /FIM-TLCP-0001 .*this side sent bad_certificate: .*not signed by who it says/);
    const stranger = await fim('get', `https://${target}/`, '--cert', join(foreign, 'client.pem'));
    assert.match(stranger.err, /FIM-TLCP-0001 .*the other side sent bad_certificate: it cannot use the certificates/);
    const unnamed = await fim('get', `https://${target.replace('localhost', '127.0.0.2')}/`);
    assert.match(unnamed.err, /this side sent certificate_unknown: .*another name|FIM-TLCP-0003/);
    const strict = await serve('--client-auth', 'required');
    const bare = await fim('get', `https://${strict.target}/`);
    strict.child.kill();
    assert.match(
      bare.err,
      /FIM-TLCP-0001 .*the other side sent handshake_failure; no certificate was shown, .* by --cert/,
    );
  });

  it('says what is no TLCP, and what is not there', async (t) => {
    const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    t.after(() => plain.close());
    await once(plain.listen(0, '127.0.0.1'), 'listening');
    const { port } = plain.address() as { port: number };
    const run = await fim('get', `https://127.0.0.1:${port}/`);
    assert.match(run.err, /FIM-TLCP-0001 .*does not speak this protocol/);
    plain.close();
    const gone = await fim('get', `https://127.0.0.1:${port}/`);
    assert.match(gone.err, /FIM-TLCP-0003/);
    assert.equal((await fim('get', `http://${target}/`)).status, 2);
  });

  it('says what is missing before it connects', async () => {
    // Nobody listens there: a connection would fail otherwise.
    const closed = 'https://127.0.0.1:1/';
    const cases: [string[], RegExp][] = [
      [
        ['--suite', 'ECDHE_SM4_GCM_SM3', 'ECDHE_SM4_CBC_SM3'],
        /FIM-UP-0020.*ECDHE_SM4_GCM_SM3, ECDHE_SM4_CBC_SM3 needs own certificates.*--cert/,
      ],
      [['--exchange-bytes', '64'], /FIM-UP-0020.*not from 16 to 48/],
      [['--revocation-fallback', 'perhaps'], /FIM-UP-0020.*refuse, accept, last-good/],
      [['--ocsp', 'ldap://x'], /FIM-UP-0020.*http:/],
      [['--crl', file('absent.crl')], /FIM-CFG-1001.*absent\.crl/],
      [['--crl', file('ca.pem')], /FIM-TLCP-0002.*revocation list: there is none/],
    ];
    for (const [flags, said] of cases) {
      const run = await fim('get', closed, ...flags);
      assert.match(run.err, said);
      assert.notEqual(run.status, 0);
    }
  });

  it('variants that this server knows work, those that it does not end in an alert', async () => {
    const certificates = ['--cert', file('client.pem'), '--no-authorities', '--sign-certificate-only'];
    assert.equal((await fim('get', `https://${target}/`, ...certificates)).status, 0);
    const other = await fim('get', `https://${target}/`, '--cert', file('client.pem'), '--exchange-bytes', '32');
    assert.match(other.err, /the other side sent (bad_record_mac|decrypt_error)/);
  });

  it('without a list or an answer the fallback decides', async () => {
    const refused = await fim('get', `https://${target}/`, '--ocsp');
    assert.match(refused.err, /the certificate names no responder/);
    assert.match(refused.err, /this side sent certificate_unknown: .*cannot be learned/);
    const accepted = await fim('get', `https://${target}/`, '--ocsp', '--revocation-fallback', 'accept');
    assert.equal(accepted.status, 0, accepted.err);
  });
});

describe('fim tlcp probe', () => {
  interface Report {
    suites: { suite: string; offered: boolean; works: boolean }[];
    certificates: { subject: string; use: string }[];
    verdict: string;
    asksForCertificate: boolean;
    resumption: { id: boolean; ticket: boolean };
    otherProtocols: string[];
    notes: string[];
    revocation: string;
  }

  it('finds suites, certificates and resumption, as a stranger and as a client', async () => {
    const stranger = await fim('probe', target, '--json');
    const seen = JSON.parse(stranger.out) as Report;
    assert.equal(stranger.status, 0, stranger.err);
    assert.deepEqual(
      seen.suites.map(({ suite, offered, works }) => [suite.startsWith('ECDHE'), offered, works]),
      [
        [true, true, false],
        [false, true, true],
        [true, true, false],
        [false, true, true],
      ],
    );
    assert.deepEqual(seen.resumption, { id: true, ticket: true });
    assert.deepEqual(
      seen.certificates.map(({ use }) => use),
      ['signatures', 'encryption', 'authority'].slice(0, seen.certificates.length),
    );
    assert.ok(seen.certificates.length >= 2);
    assert.deepEqual([seen.otherProtocols, seen.notes], [[], []]);
    assert.match(seen.revocation, /not looked up/);
    const client = JSON.parse((await fim('probe', target, '--json', '--cert', file('client.pem'))).out) as Report;
    assert.ok(client.suites.every(({ works }) => works));
    assert.equal(client.asksForCertificate, true);
  });

  it('fails for certificates that are not in order', async () => {
    const run = await fim('probe', target, '--name', 'elsewhere.test');
    assert.equal(run.status, 1);
    assert.match(run.out, /the certificate is for another name/);
  });
});
