// The bytes behind a request over national TLS are the filter's own: where the proxy's parser could read another end,
// the request is refused, and nothing made up gets into a client's request or into the log.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, get, post, TlcpClient } from './tlcp-client.ts';

const BODY = '{"a":"0123456789012345"}';
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';

let harness: Harness;
let module: TlcpModule;
let certificates: Certificates;
before(async () => {
  module = await TlcpModule.load();
  certificates = await Certificates.make();
  harness = await Harness.start({
    routes: route('any', { tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] } }),
    tlcp: certificates.identity,
    logsAccess: true,
    concurrency: 1,
  });
});
after(() => harness.stop());

function ready(): Promise<TlcpClient> {
  return TlcpClient.ready(module, { port: harness.stack.listen.port, trust: certificates.authority });
}

async function counter(name: string): Promise<number> {
  const stats = await harness.stack.envoy.admin.stats(String.raw`^wasmcustom\.fim\.tlcp\.`);
  return stats.get(`wasmcustom.fim.tlcp.${name}`) ?? 0;
}

/** Lines of the access log. */
function lines(): string[] {
  return readFileSync(harness.accessLog, 'utf8').split('\n').filter(Boolean);
}

describe('a length', () => {
  const ways: [string, string][] = [
    ['behind many spaces', `Content-Length:${' '.repeat(60)}24`],
    ['before many spaces', `Content-Length: 24${' '.repeat(60)}`],
    ['with zeros before it', 'Content-Length: 000000024'],
  ];
  for (const [title, field] of ways)
    test(`${title} is read as the proxy reads it`, async () => {
      const client = await ready();
      const head = `POST /cl HTTP/1.1\r\nhost: a\r\n${field}\r\n\r\n`;
      for (let i = 0; i < 2; i++) {
        assert.equal((await client.ask(head + BODY)).status, 200);
        assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), BODY);
      }
      await client.write(head);
      for (const byte of BODY) await client.write(byte);
      await client.until(() => client.plain.toString('latin1').split('HTTP/1.1 200').length === 4);
      assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), BODY, 'in small records');
      await client.close();
    });
});

describe('refused by an answer, before a byte gets to the upstream:', () => {
  const fields: Record<string, string> = {
    'a folded line': 'Content-Length:\r\n 24',
    'a length of many zeros': `Content-Length: ${'0'.repeat(60)}24`,
    'two lengths': 'Content-Length: 24\r\nContent-Length: 24',
    'a list of lengths': 'Content-Length: 24, 24',
    'a length with a sign': 'Content-Length: +24',
    'a length and a coding': 'Content-Length: 24\r\nTransfer-Encoding: chunked',
    'another coding': 'Transfer-Encoding: gzip, chunked',
    'a space before the colon': 'Content-Length : 24',
    'a bare line feed': 'X-A: b\nContent-Length: 24',
    'a bare carriage return': 'X-A: b\rContent-Length: 24',
    'a zero byte': 'X-A: \0',
    'an upgrade with a length': 'Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 24',
  };
  for (const [title, field] of Object.entries(fields))
    test(title, async () => {
      const [begun, refused] = [harness.upstream.begun, await counter('requests.malformed')];
      const client = await ready();
      await client.write(`POST /cl HTTP/1.1\r\nhost: a\r\n${field}\r\n\r\n${BODY}`);
      await client.until(() => client.ended);
      assert.match(client.plain.toString(), /^HTTP\/1\.1 400 [^]*"code":"FIM-RT-0028"[^]*\}\n$/);
      assert.equal(client.connection.ending.alert, 'close_notify');
      assert.equal(harness.upstream.begun, begun);
      await harness.poll(async () => (await counter('requests.malformed')) === refused + 1);
    });

  test('a head that does not end', async () => {
    const client = await ready();
    await client.write(`GET /x HTTP/1.1\r\nhost: a\r\nx-a: ${'b'.repeat(70_000)}`);
    await client.until(() => client.ended);
    assert.match(client.plain.toString(), /^HTTP\/1\.1 431 [^]*"code":"FIM-RT-0025"/);
  });

  test('CONNECT', async () => {
    const client = await ready();
    await client.write('CONNECT bank.test:443 HTTP/1.1\r\nhost: bank.test:443\r\n\r\n');
    await client.until(() => client.ended);
    assert.match(client.plain.toString(), /^HTTP\/1\.1 400 /);
  });
});

describe('chunks', () => {
  test('come as they are, in any pieces, with trailers, and another request behind', async () => {
    const client = await ready();
    const message = `POST /c HTTP/1.1\r\nhost: a\r\n${CHUNKED}A\r\n{"a":"0123\r\n00e\r\n456789012345"}\r\n0\r\nx-t: 1\r\n\r\n`;
    await client.write(message + message);
    for (const byte of message) await client.write(byte);
    await client.until(() => client.plain.toString('latin1').split('HTTP/1.1 200').length === 4);
    for (const { body } of harness.upstream.arrived.slice(-3)) assert.equal(body.toString(), BODY);
    await client.close();
  });

  for (const bad of ['+1', '1;a=b', '1 ', '', '0x1', '1'.repeat(17)])
    test(`of the size "${bad}" are refused, and end a request that is on its way by an alert`, async () => {
      const client = await ready();
      const head = `POST /c HTTP/1.1\r\nhost: a\r\n${CHUNKED}1\r\nA\r\n`;
      await client.write(`${head}${bad}\r\n`);
      await client.until(() => client.ended);
      assert.match(client.plain.toString(), /^HTTP\/1\.1 400 [^]*"code":"FIM-RT-0028"/);
      const { begun } = harness.upstream;
      const late = await ready();
      await late.write(head);
      await harness.poll(async () => harness.upstream.begun > begun);
      await late.write(`${bad}\r\n`);
      await late.until(() => late.ended);
      assert.equal(late.connection.ending.alert, 'decode_error');
      assert.equal(late.plain.length, 0);
    });
});

test('answers of the proxy itself come in order, one after another', async () => {
  const client = await ready();
  const wrong = 'GET /%2f HTTP/1.1\r\nhost: a\r\n\r\n';
  await client.write(get('/') + get('/'));
  await client.until(() => client.plain.toString('latin1').split('HTTP/1.1 200').length === 3);
  await client.write(wrong);
  await client.until(() => /HTTP\/1\.1 4\d\d /.test(client.plain.toString('latin1')));
  client.destroy();
});

test('requests behind an upgrade that `Connection` does not name are answered', async () => {
  const client = await ready();
  await client.write(get('/u1', { upgrade: 'websocket' }) + get('/u2') + get('/u3'));
  await client.until(() => client.plain.toString('latin1').split('HTTP/1.1 200').length === 4);
  await client.close();
});

test('HTTP/1.0, an expectation and an upgrade that is ignored are taken', async () => {
  const client = await ready();
  const upgrade = {
    connection: 'Upgrade, HTTP2-Settings',
    upgrade: 'h2c',
    'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
  };
  assert.equal((await client.ask(get('/', upgrade))).status, 200);
  await client.write(`POST /e HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 24\r\n\r\n`);
  await client.until(() => client.plain.includes('HTTP/1.1 100'));
  assert.equal((await client.ask(BODY)).status, 200);
  await client.write('GET / HTTP/1.0\r\nhost: a\r\n\r\n');
  await client.until(() => client.ended);
  assert.match(client.plain.toString('latin1').slice(-200), /\{"ok":true\}/);
});

describe('an end', () => {
  for (const part of ['GET /x HTTP/1.1\r\nX-A: ', 'GET /x HTTP/1.1\r\nhost: a\r\nX-A: b\r\n', 'GE', '\r\n'])
    for (const how of ['close_notify', 'bad_record_mac'])
      test(`behind ${JSON.stringify(part)} is told in order (${how})`, async () => {
        const refused = await counter('requests.refused');
        const client = await ready();
        await client.write(part);
        if (how === 'close_notify') client.raw(client.closing());
        else client.raw(Buffer.concat([Buffer.from([23, 1, 1, 0, 64]), Buffer.alloc(64, 7)]));
        await client.until(() => client.ended);
        if (how !== 'close_notify') assert.equal(client.connection.ending.alert, how);
        assert.equal(client.plain.length, 0);
        assert.equal(await counter('requests.refused'), refused);
      });

  test('in order is no request: the log has what clients asked alone', async () => {
    for (let i = 0; i < 5; i++) {
      const client = await ready();
      assert.equal((await client.ask(post('/', BODY))).status, 200);
      await client.close();
    }
    const client = await ready();
    const from = lines().length;
    assert.equal((await client.ask(get('/mark'))).status, 200);
    await harness.poll(async () => lines().length > from);
    client.destroy();
    for (const line of lines()) assert.doesNotMatch(line, /"FIM-TLCP"|downstream_remote_disconnect|codec_error/);
  });
});
