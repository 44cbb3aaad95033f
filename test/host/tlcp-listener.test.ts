// The listener of national TLS on the host, where every byte and every call of the host is the test's: what passes,
// what does not, and what comes of a host that refuses a call.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { crowdOf } from './tlcp/many-clients.ts';
import { Client, isRecords, Listener, SECRET, Setting } from './tlcp/listener.ts';

const GET = 'GET /fund HTTP/1.1\r\nhost: bank\r\n\r\n';
const POST = 'POST /pay HTTP/1.1\r\nhost: bank\r\ncontent-length: 5\r\n\r\nhello';
/** Longer than every time-out of the listener. */
const LONG_MS = 15_000;
/** As `MAX_OCSP_CALLS`. */
const MOST_QUESTIONS = 128;
const INTERNAL_FAILURE = 10;
const RANDOM_FAILURE = 29;

let setting: Setting;
before(async () => {
  setting = await Setting.make();
});

const paths = ({ proxy }: Client): string[] => proxy.forwarded.map((head) => head.get(':path')!);

/** Checks what must hold of a connection at all times. */
function assertClean(client: Client, listener: Listener): void {
  assert.ok(isRecords(client.proxy.wire), 'the wire holds records only');
  assert.ok(!client.proxy.wire.includes(SECRET), 'nothing in clear');
  for (const head of client.proxy.forwarded) assert.equal(head.get(':authority'), 'bank', 'no made-up request goes on');
  assert.equal(listener.vm.failed, false, 'no trap');
}

describe('a connection of national TLS', () => {
  for (const segment of [Infinity, 7, 1])
    it(`a handshake and requests in segments of ${segment}`, () => {
      const listener = new Listener(setting).takeKeys();
      const client = listener.connect({}, segment).pump();
      assert.ok(client.core.isOpen, client.core.ending.reason);
      client
        .say(GET)
        .say(POST)
        .say(POST + GET + GET);
      assert.deepEqual(paths(client), ['/fund', '/pay', '/pay', '/fund', '/fund']);
      assert.equal(client.heard.split(SECRET).length - 1, 5);
      assert.equal(client.heard.split(`${SECRET}hello`).length - 1, 2);
      assertClean(client, listener);
      client.core.close();
      client.pump();
      assert.ok(client.proxy.isClosed);
      assert.deepEqual(listener.vm.violations, []);
      assert.equal(listener.vm.counted('fim.tlcp.handshakes_total{suite=ECC_SM4_GCM_SM3,result=full}'), 1);
    });

  it('says who the client is, and drops what the client says', () => {
    const listener = new Listener(setting, {}, 'Required').takeKeys();
    const client = listener.connect().pump();
    client.say('GET /a HTTP/1.1\r\nhost: bank\r\nx-fim-client-subject: CN=somebody\r\n\r\n');
    const [head] = client.proxy.forwarded;
    assert.match(head!.get('x-fim-client-subject')!, /CN=/);
    assert.equal(head!.all('x-fim-client-subject').length, 1);
    assert.ok(!head!.get('x-fim-client-subject')!.includes('somebody'));
  });

  it('waits for keys, and ends by an alert if none come', () => {
    const late = new Listener(setting);
    late.kms.afterMs = 1500;
    const waits = late.connect().pump();
    assert.equal(waits.core.isOpen, false);
    waits.wait(2500);
    assert.ok(waits.core.isOpen, 'the keys came');
    waits.say(GET);
    assertClean(waits, late);

    const never = new Listener(setting, { httpCall: () => 'silent' });
    const refused = never.connect().pump().wait(LONG_MS);
    assert.equal(refused.core.ending.alert, 'internal_error');
    assert.ok(refused.proxy.isClosed);
    assert.deepEqual(paths(refused), []);
  });

  it('silent, slow and plain-text clients are closed, and get no further', () => {
    const listener = new Listener(setting).takeKeys();
    const silent = listener.connect();
    const slow = listener.connect();
    slow.proxy.receive(slow.core.takeOutput().subarray(0, 20));
    const plain = listener.connect();
    plain.proxy.receive(Buffer.from(GET));
    listener.vm.clock.advance(LONG_MS);
    for (const one of [silent, slow, plain]) {
      assert.ok(one.proxy.isClosed);
      assert.deepEqual(paths(one), []);
      assertClean(one, listener);
    }
  });
});

describe('a made-up request', () => {
  const MADE_UP = /^GET \/([0-9a-f]{16}) HTTP\/1\.1\r\nhost: [0-9a-f]{32}$/;

  /** A connection whose made-up requests come with another path than the module gave them. */
  function withPath(listener: Listener, path: (own: string) => string): Client {
    return listener.connect({}, Infinity, (head) => {
      const own = MADE_UP.exec(head)?.[1];
      return own === undefined ? head : head.replace(own, path(own));
    });
  }

  it('is known by its token: with its own the handshake goes on', () => {
    const listener = new Listener(setting).takeKeys();
    const tokens: string[] = [];
    for (let i = 0; i < 3; i++) {
      const client = withPath(listener, (own) => (tokens.push(own), own)).pump();
      assert.ok(client.core.isOpen, client.core.ending.reason);
      client.say(GET);
      assertClean(client, listener);
    }
    assert.equal(new Set(tokens).size, tokens.length, 'each has one of its own');
  });

  it('with a token that is not its own is not answered, and ends its connection alone', () => {
    const listener = new Listener(setting);
    listener.kms.afterMs = 1500;
    let waitings = '';
    // It waits for keys, so its made-up request has come and has no answer yet.
    const waiting = withPath(listener, (own) => (waitings = own)).pump();
    const foreign: ((own: string) => string)[] = [
      () => waitings,
      () => '0'.repeat(16),
      (own) => own.slice(1),
      (own) => `${own}0`,
      (own) => own.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      (own) => own.replace(/^./, (first) => (first === '0' ? '1' : '0')),
    ];
    const others = foreign.map((path) => withPath(listener, path).pump());
    assert.notEqual(waitings, '');
    assert.equal(waiting.proxy.isClosed, false);
    // At once, and not when its time is over.
    for (const [i, other] of others.entries()) assert.ok(other.proxy.isClosed, `token ${i}`);
    waiting.wait(2500);
    for (const [i, other] of others.entries()) {
      other.wait(0);
      assert.equal(other.core.isOpen, false, `token ${i}`);
      assertClean(other, listener);
    }
    assert.ok(waiting.core.isOpen, waiting.core.ending.reason);
    waiting.say(GET);
    assertClean(waiting, listener);
    assert.deepEqual(paths(waiting), ['/fund']);
  });
});

describe('the fallback of revocation', () => {
  const ocsp = { cluster: 'ocsp', authority: 'ocsp.test', timeoutMs: 4000 };
  const OCSP_MS = 1000;
  const ERROR = { status: 500, body: '', afterMs: OCSP_MS };

  function asking(outcome: typeof ERROR | 'silent', trust = setting.files['ca.pem']!): Listener {
    const listener = new Listener(setting, {}, 'Required', { ocsp, fallback: 'Accept', trust });
    listener.kms.fault = ({ cluster }) => (cluster === 'ocsp' ? outcome : undefined);
    return listener.takeKeys();
  }

  const asked = (listener: Listener): number => listener.kms.asked.filter(({ cluster }) => cluster === 'ocsp').length;

  it('many handshakes of one client at once are one question for each certificate', () => {
    const listener = asking(ERROR);
    const crowd = Array.from({ length: 3 * MOST_QUESTIONS }, () => listener.connect().pump());
    assert.equal(asked(listener), 1);
    // Whoever asked first may go: the others have their answer all the same.
    crowd.shift()!.proxy.abort();
    for (let i = 0; i < 3; i++) {
      listener.vm.clock.advance(OCSP_MS);
      for (const client of crowd) client.pump();
    }
    for (const client of crowd) assert.ok(client.core.isOpen, client.core.ending.reason);
    assert.equal(asked(listener), 2);
    assert.equal(listener.vm.counted('fim.tlcp.revocation.accepted'), 2 * crowd.length);
    listener.connect().pump();
    assert.equal(asked(listener), 3, 'an answer that is none is not kept');
    assert.equal(listener.vm.failed, false);
  });

  it('waits for the responder also if the client was slow before', () => {
    const listener = asking(ERROR);
    const client = listener.connect();
    listener.vm.clock.advance(6000);
    client.pump().wait(OCSP_MS / 2);
    assert.equal(client.core.isOpen, false, 'the responder has not said anything yet');
    client.wait(2 * OCSP_MS);
    assert.ok(client.core.isOpen, client.core.ending.reason);
    assertClean(client, listener);
  });

  it('does not let in whoever leaves the responder no time', () => {
    const listener = asking('silent');
    const client = listener.connect();
    listener.vm.clock.advance(8000);
    client.pump().wait(LONG_MS);
    assert.equal(client.core.ending.alert, 'handshake_failure');
    assert.ok(client.proxy.isClosed);
    assert.equal(listener.vm.counted('fim.tlcp.revocation.accepted'), 0);
    assertClean(client, listener);
  });

  it('is not decided by a crowd that keeps the responder busy', () => {
    const { trust, pairs } = crowdOf(setting.core, MOST_QUESTIONS + 1);
    const listener = asking(ERROR, trust);
    const crowd = pairs.map((identity) => listener.connect({ identity }).pump());
    assert.equal(asked(listener), MOST_QUESTIONS);
    listener.vm.clock.advance(OCSP_MS / 2);
    assert.equal(listener.vm.counted('fim.tlcp.revocation.accepted'), 0);
    for (let i = 0; i < 6; i++) for (const client of crowd) client.wait(100);
    for (const client of crowd) client.wait(0);
    assert.equal(asked(listener), 2 * crowd.length, 'each of a pair is asked for in the end');
    for (const client of crowd) assert.ok(client.core.isOpen, client.core.ending.reason);
    assert.equal(listener.vm.failed, false);
  });
});

describe('ends of connections', () => {
  it('at every byte of the handshake, by either side: nothing is left', () => {
    const listener = new Listener(setting).takeKeys();
    const idle = listener.vm.liveContexts;
    const whole = listener.connect();
    const hello = whole.core.takeOutput();
    whole.proxy.abort();
    for (let at = 0; at <= hello.length; at += 5) {
      const client = listener.connect();
      client.proxy.receive(client.core.takeOutput().subarray(0, at));
      if (at % 2 === 0) client.proxy.abort();
      else client.proxy.closeByProxy();
      assert.ok(client.proxy.isClosed);
    }
    assert.equal(listener.vm.liveContexts, idle);
    const { opened, closed } = {
      opened: listener.vm.counted('fim.tlcp.connections.opened'),
      closed: listener.vm.counted('fim.tlcp.connections.closed'),
    };
    assert.equal(opened, closed);
  });

  it('while a request is on its way', () => {
    const listener = new Listener(setting).takeKeys();
    const idle = listener.vm.liveContexts;
    const client = listener.connect().pump();
    client.say('POST /pay HTTP/1.1\r\nhost: bank\r\ncontent-length: 50\r\n\r\nhel');
    client.proxy.abort();
    assert.deepEqual(paths(client), []);
    assert.equal(listener.vm.liveContexts, idle);
  });

  it('a machine that dies closes its connections, and another serves', () => {
    const listener = new Listener(setting, { reloadBackoffMs: 0 }).takeKeys();
    const client = listener.connect().pump();
    listener.vm.instance.failed = true;
    client.say(GET);
    assert.ok(client.proxy.isClosed);
    assert.deepEqual(paths(client), []);
    assert.ok(isRecords(client.proxy.wire));
    listener.vm.clock.advance(1000);
    listener.connect();
    listener.takeKeys();
    assert.ok(listener.connect().pump().say(GET).heard.includes(SECRET));
  });
});

describe('early data and forgeries', () => {
  it('a request before the Finished, in clear or behind an alert, goes nowhere', () => {
    const fatal = Buffer.from([21, 1, 1, 0, 2, 2, 40]);
    const early = Buffer.concat([Buffer.from([23, 1, 1, 0, GET.length]), Buffer.from(GET)]);
    for (const bytes of [early, Buffer.concat([fatal, early]), Buffer.concat([early, fatal])]) {
      for (const flights of [0, 1]) {
        const listener = new Listener(setting).takeKeys();
        const client = listener.connect();
        if (flights === 1) client.proxy.receive(client.core.takeOutput());
        client.proxy.receive(bytes);
        listener.vm.clock.advance(LONG_MS);
        assert.ok(client.proxy.isClosed);
        assert.deepEqual(paths(client), []);
        assertClean(client, listener);
      }
    }
  });

  it('records of an open connection, replayed, cut or changed', () => {
    for (const way of ['replayed', 'changed', 'swapped']) {
      const listener = new Listener(setting).takeKeys();
      const client = listener.connect().pump();
      client.core.send(Buffer.from(GET));
      const record = client.core.takeOutput();
      if (way === 'replayed') client.proxy.receive(Buffer.concat([record, record]));
      else if (way === 'changed')
        client.proxy.receive(Buffer.concat([record.subarray(0, -1), Buffer.from([record.at(-1)! ^ 1])]));
      else {
        client.core.send(Buffer.from(POST));
        client.proxy.receive(Buffer.concat([client.core.takeOutput(), record]));
      }
      client.wait(LONG_MS);
      assert.ok(client.proxy.isClosed, way);
      assert.ok(paths(client).length <= (way === 'replayed' ? 1 : 0), way);
      assertClean(client, listener);
    }
  });
});

describe('a host that refuses a call', () => {
  /** A whole life of a connection: keys, handshake, requests, end; `refused` is the number of the call that fails. */
  function live(refused: number): { calls: number; name: string } {
    let [calls, name, isOver] = [0, '', false];
    const refuses = (called: string): number | undefined => {
      if (isOver || ++calls !== refused) return undefined;
      name = called;
      return called === 'random_get' ? RANDOM_FAILURE : INTERNAL_FAILURE;
    };
    const listener = new Listener(setting, { refuses }, 'Required');
    if (!listener.accepted) return { calls, name };
    listener.takeKeys();
    const client = listener
      .connect()
      .pump()
      .say(POST + GET);
    client.wait(200);
    const answered = client.heard.split(SECRET).length - 1;
    assert.ok(answered <= paths(client).length, `${name}: no answer without a request`);
    for (const path of paths(client)) assert.match(path, /^\/(?:pay|fund)$/);
    client.core.close();
    client.pump();
    isOver = true;
    client.wait(LONG_MS);
    assertClean(client, listener);
    assert.ok(client.proxy.isClosed, `${name} (call ${refused}): the connection has ended`);
    assert.deepEqual(listener.vm.violations, [], name);
    // The next connection is served, whatever the last one met.
    const next = listener.connect().pump().say(GET);
    if (!next.heard.includes(SECRET)) next.wait(LONG_MS);
    const again = next.heard.includes(SECRET) ? next : listener.connect().pump().say(GET);
    assertClean(again, listener);
    return { calls, name };
  }

  // FIM_TEST_CALLS=all takes each; otherwise each third.
  it('once, at each call: nothing in clear, no trap, no connection that stays', () => {
    const { calls } = live(0);
    const names = new Set<string>();
    assert.ok(calls > 100, `${calls} calls`);
    const step = process.env['FIM_TEST_CALLS'] === 'all' ? 1 : 3;
    for (let i = 1; i <= calls; i += step) names.add(live(i).name);
    for (const name of ['proxy_set_buffer_bytes', 'proxy_get_buffer_bytes']) assert.ok(names.has(name), name);
  });
});
