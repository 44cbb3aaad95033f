// OpenSSL as the second implementation of revocation: its lists and its responder's answers are read here, and it reads
// the questions that are written here.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { extension } from '../../../scripts/fim/tlcp-certificate.ts';
import { authority, forEncryption, forSigning, make } from '../../fuzz/tlcp-certificates.ts';
import { tlcp } from '../../fuzz/tlcp-guest.ts';
import { client, GOOD, meet, REVOKED, server, UNKNOWN, type Policy } from '../../fuzz/tlcp-revocation-guest.ts';
import { forAnswers } from '../../fuzz/tlcp-revocations.ts';

const folder = mkdtempSync(join(tmpdir(), 'fim-revocation-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const ID = 'distid:1234567812345678';
const SIGN_SERIAL = Buffer.from('2233445566778899AABBCCDDEEFF0011', 'hex');
const ENCRYPT_SERIAL = Buffer.from('3344', 'hex');
/** OpenSSL goes by the clock of the machine. */
const today = Math.floor(Date.now() / 1000);
const life = { notBefore: new Date((today - 86_400) * 1000), notAfter: new Date((today + 30 * 86_400) * 1000) };

const save = (name: string, text: string | Buffer): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

const subjectKey = extension('551d0e', false, Buffer.from('0414' + '11'.repeat(20), 'hex'));
const root = authority('openssl root', undefined, { ...life, extra: [subjectKey] });
const sign = forSigning(root, { ...life, serial: SIGN_SERIAL });
const encrypt = forEncryption(root, { ...life, serial: ENCRYPT_SERIAL });
const responder = make({ ...life, name: 'responder', extra: [forAnswers] }, root);
const files = Object.fromEntries(
  Object.entries({ root, responder }).map(([name, made]) => [
    name,
    { pem: save(`${name}.pem`, made.pem), key: save(`${name}.key`, made.key.pem) },
  ]),
) as Record<'root' | 'responder', { pem: string; key: string }>;

/** The index of OpenSSL's authority: which of the two is revoked. */
function index(revoked: readonly Buffer[], serials = [SIGN_SERIAL, ENCRYPT_SERIAL]): string {
  const lines = serials.map((serial) => {
    const number = serial.toString('hex').toUpperCase();
    return revoked.includes(serial)
      ? `R\t301231235959Z\t261101000000Z,keyCompromise\t${number}\tunknown\t/CN=${number}`
      : `V\t301231235959Z\t\t${number}\tunknown\t/CN=${number}`;
  });
  return save('index.txt', `${lines.join('\n')}\n`);
}

function settings(lists: readonly Buffer[], policy: Policy): number {
  const made = client(lists, policy, [root]);
  tlcp.setNow(made, today + 1);
  return made;
}

function pair(): number {
  const made = server([sign, encrypt]);
  tlcp.setNow(made, today + 1);
  return made;
}

describe("OpenSSL's lists", () => {
  const config = save(
    'ca.cnf',
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sm3\ndefault_crl_days=7\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n[scoped]\nauthorityKeyIdentifier=keyid\nissuingDistributionPoint=critical,@idp\n[idp]\nonlyuser=TRUE\n[none]\nauthorityKeyIdentifier=issuer:always\n',
  );
  const listOf = (revoked: readonly Buffer[], section = 'e'): Buffer => {
    index(revoked);
    save('crlnumber', '01');
    const { pem, key } = files.root;
    openssl(
      'ca',
      '-config',
      config,
      '-crlexts',
      section,
      '-gencrl',
      '-keyfile',
      key,
      '-cert',
      pem,
      '-sigopt',
      ID,
      '-out',
      'crl.pem',
    );
    return readFileSync(join(folder, 'crl.pem'));
  };

  it('of nobody, of one certificate, of users alone', () => {
    assert.equal(meet(settings([listOf([])], {}), undefined, pair()).fault, GOOD);
    for (const serial of [SIGN_SERIAL, ENCRYPT_SERIAL])
      assert.equal(meet(settings([listOf([serial])], {}), undefined, pair()).fault, REVOKED);
    assert.equal(meet(settings([listOf([], 'scoped')], {}), undefined, pair()).fault, GOOD);
  });

  it('that ended, by the clock', () => {
    const made = settings([listOf([])], {});
    tlcp.setNow(made, today + 8 * 86_400);
    const theirs = pair();
    tlcp.setNow(theirs, today + 8 * 86_400);
    assert.equal(meet(made, undefined, theirs).fault, UNKNOWN);
  });
});

describe("OpenSSL's responder", () => {
  const respond = (request: Buffer, by: { pem: string; key: string }, more: readonly string[] = []): Buffer => {
    save('request.der', request);
    const fixed = ['-rmd', 'sm3', '-rsigopt', ID, '-reqin', 'request.der', '-respout', 'response.der'];
    openssl(
      'ocsp',
      '-index',
      'index.txt',
      '-CA',
      files.root.pem,
      '-rsigner',
      by.pem,
      '-rkey',
      by.key,
      ...fixed,
      ...more,
    );
    return readFileSync(join(folder, 'response.der'));
  };

  it('takes the question, by each digest, and names the certificate and the nonce', () => {
    index([]);
    for (const [digest, name] of ['sha1', 'sha256', 'sm3'].entries()) {
      let text = '';
      const made = settings([], { asks: true, needsNonce: true, digest });
      const run = meet(
        made,
        (request) => {
          const said = respond(request, files.root, ['-ndays', '1']);
          const { stdout } = spawnSync('openssl', ['ocsp', '-reqin', 'request.der', '-req_text'], { cwd: folder });
          text += String(stdout);
          return said;
        },
        pair(),
      );
      assert.deepEqual(run, { fault: GOOD, why: 0, questions: 2 });
      assert.match(text, new RegExp(`Hash Algorithm: ${name}`));
      assert.match(text, new RegExp(SIGN_SERIAL.toString('hex').toUpperCase()));
      assert.match(text, /OCSP Nonce/);
    }
  });

  for (const by of ['root', 'responder'] as const) {
    for (const named of ['name', 'key'] as const) {
      it(`good and revoked, signed by ${by}, named by its ${named}`, () => {
        const more = ['-ndays', '1', ...(named === 'key' ? ['-resp_key_id'] : [])];
        index([]);
        const good = meet(settings([], { asks: true }), (request) => respond(request, files[by], more), pair());
        assert.deepEqual(good, { fault: GOOD, why: 0, questions: 2 });
        index([ENCRYPT_SERIAL]);
        const bad = meet(settings([], { asks: true }), (request) => respond(request, files[by], more), pair());
        assert.deepEqual(bad, { fault: REVOKED, why: 0, questions: 2 });
      });
    }
  }

  it('a certificate that it does not know, and an answer to an earlier question', () => {
    save('index.txt', `V\t301231235959Z\t\t99\tunknown\t/CN=a\n`);
    const run = meet(settings([], { asks: true }), (request) => respond(request, files.root, ['-ndays', '1']), pair());
    assert.equal(run.fault, UNKNOWN);
    index([]);
    let earlier: Buffer | null = null;
    for (const why of [0, 7]) {
      const replayed = meet(
        settings([], { asks: true }),
        (request) => (earlier ??= respond(request, files.root, ['-ndays', '1'])),
        pair(),
      );
      assert.equal(replayed.fault, UNKNOWN, 'the second question is about the other certificate');
      assert.equal(replayed.why === 0 ? 0 : why, why);
    }
  });
});

describe('the command line', () => {
  const FIM = join(import.meta.dirname, '../../../scripts/fim.ts');
  const data = join(folder, 'data');
  const file = (name: string): string => join(data, 'fim/tlcp', name);
  const env = { ...process.env, XDG_DATA_HOME: data };

  async function fim(...args: string[]): Promise<{ status: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [FIM, 'tlcp', ...args], { env });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, ...said };
  }

  it('asks a responder on loopback and reads a list, as client, as server and as probe', async (t) => {
    assert.equal((await fim('certs')).status, 0);
    const serials = ['server-sign', 'server-encrypt', 'client-sign', 'client-encrypt'].map((name) =>
      Buffer.from(new X509Certificate(readFileSync(file(`${name}.pem`))).serialNumber, 'hex'),
    );
    index([], serials);
    const responder = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        save('asked.der', Buffer.concat(parts));
        const fixed = ['-rmd', 'sm3', '-rsigopt', ID, '-reqin', 'asked.der', '-respout', 'said.der', '-ndays', '1'];
        openssl(
          'ocsp',
          '-index',
          'index.txt',
          '-CA',
          file('ca.pem'),
          '-rsigner',
          file('ca.pem'),
          '-rkey',
          file('ca.key'),
          ...fixed,
        );
        response.setHeader('content-type', 'application/ocsp-response');
        response.end(readFileSync(join(folder, 'said.der')));
      });
    });
    t.after(() => responder.close());
    await once(responder.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(responder.address() as { port: number }).port}/`;
    const args = [
      FIM,
      'tlcp',
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--json',
      '--client-auth',
      'required',
      '--ocsp',
      url,
    ];
    const server = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => server.kill());
    const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    const target = (JSON.parse(line) as { listen: string }).listen.replace('127.0.0.1', 'localhost');
    const ask = ['get', `https://${target}/`, '--cert', file('client.pem')];
    const good = await fim(...ask, '--ocsp', url);
    assert.equal(good.status, 0, good.err);
    const probed = await fim('probe', target, '--cert', file('client.pem'), '--ocsp', url, '--json');
    assert.equal(probed.status, 0, probed.err);
    assert.equal((JSON.parse(probed.out) as { revocation: string }).revocation, 'looked up');

    index([serials[0]!], serials);
    const revoked = await fim(...ask, '--ocsp', url);
    assert.match(revoked.err, /this side sent certificate_revoked/);
    const bad = await fim('probe', target, '--cert', file('client.pem'), '--ocsp', url);
    assert.match(bad.out, /a certificate was revoked/);

    index([serials[2]!], serials);
    save('crlnumber', '01');
    openssl(
      'ca',
      '-config',
      join(folder, 'ca.cnf'),
      '-gencrl',
      '-keyfile',
      file('ca.key'),
      '-cert',
      file('ca.pem'),
      '-sigopt',
      ID,
      '-out',
      'cli.pem',
      '-crlexts',
      'none',
    );
    const listed = await fim(...ask, '--crl', join(folder, 'cli.pem'));
    assert.equal(listed.status, 0, 'the server knows an earlier answer about this client, and keeps it to its end');
  });
});
