// The two roles of the core against each other: what they agree on, and what each refuses and how.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CLOSED,
  FAILED,
  give,
  NOW,
  OPEN,
  pump,
  put,
  settingsOf,
  SUITES,
  takeOutput,
  takePlain,
  tlcp,
} from './tlcp-guest.ts';
import type { SideOptions } from './tlcp-guest.ts';

const ALERT = { close: 0, unexpected: 10, mac: 20, handshake: 40, expired: 45, unknownAuthority: 48, noProtocol: 120 };
const TICKETS = Uint8Array.from({ length: 32 }, (_, i) => i);
const OTHER_TICKETS = Uint8Array.from({ length: 64 }, (_, i) => (i < 32 ? 200 - i : i - 32));
const { 'ECC-GCM': ECC_GCM, 'ECDHE-GCM': ECDHE_GCM } = SUITES;

interface Ends {
  client: number;
  server: number;
}

const text = (length: number): string =>
  Buffer.from(new Uint8Array(tlcp.memory.buffer, tlcp.room(1) >>> 0, length)).toString('latin1');

function connect(client: SideOptions, server: SideOptions, segment?: number): Ends {
  return join(settingsOf(client), settingsOf({ pair: 'server', ...server }), 0, segment);
}

function join(client: number, server: number, session = 0, segment?: number): Ends {
  const ends = { server: tlcp.newServer(server), client: tlcp.newClient(client, session) };
  pump(ends.client, ends.server, segment);
  return ends;
}

const states = ({ client, server }: Ends): number[] => [tlcp.stateOf(client), tlcp.stateOf(server)];

/** Says something each way. */
function talk(ends: Ends, bytes = 40_000): void {
  for (const [from, to] of [
    [ends.client, ends.server],
    [ends.server, ends.client],
  ] as const) {
    const said = Buffer.alloc(bytes, 'abc');
    assert.equal(tlcp.send(from, put(said)), 1);
    give(to, takeOutput(from));
    assert.ok(takePlain(to).equals(said));
  }
}

describe('every suite', () => {
  for (const [name, suite] of Object.entries(SUITES)) {
    for (const segment of [Infinity, 7, 1]) {
      it(`${name}, segments of ${segment}`, () => {
        const pair = name.startsWith('ECDHE') ? 'client' : null;
        const ends = connect({ suites: [suite], pair }, {}, segment);
        assert.deepEqual(states(ends), [OPEN, OPEN]);
        assert.equal(tlcp.suiteOf(ends.server), suite);
        assert.equal(tlcp.hasPeer(ends.server), pair ? 1 : 0);
        talk(ends);
      });
    }
  }

  it('the server prefers its own order, and leaves out what a client without certificates cannot do', () => {
    assert.equal(tlcp.suiteOf(connect({ pair: 'client' }, {}).client), ECDHE_GCM);
    assert.equal(tlcp.suiteOf(connect({}, {}).client), ECC_GCM);
    const order = [SUITES['ECC-CBC'], ECC_GCM];
    assert.equal(tlcp.suiteOf(connect({}, { suites: order }).client), SUITES['ECC-CBC']);
  });
});

describe('resumption', () => {
  for (const [name, suite] of Object.entries(SUITES)) {
    for (const way of ['id', 'ticket'] as const) {
      it(`${name} by ${way} keeps the client's certificate`, () => {
        const client = settingsOf({ suites: [suite], pair: 'client', takesTickets: way === 'ticket' });
        const server = settingsOf({
          pair: 'server',
          auth: 2,
          keepsSessions: way === 'id',
          ...(way === 'ticket' ? { tickets: TICKETS } : {}),
        });
        const first = join(client, server);
        assert.deepEqual(states(first), [OPEN, OPEN]);
        const session = tlcp.keepSession(first.client);
        assert.equal(tlcp.hasTicket(session), way === 'ticket' ? 1 : 0);
        const second = join(client, server, session, 7);
        assert.deepEqual(states(second), [OPEN, OPEN]);
        assert.deepEqual([tlcp.isResumed(second.client), tlcp.isResumed(second.server)], [1, 1]);
        assert.equal(tlcp.hasPeer(second.server), 1);
        talk(second);
      });
    }
  }

  it('a ticket under a key that was replaced is taken, and renewed', () => {
    const client = settingsOf({ takesTickets: true });
    const session = tlcp.keepSession(join(client, settingsOf({ pair: 'server', tickets: TICKETS })).client);
    const rotated = settingsOf({ pair: 'server', tickets: OTHER_TICKETS, keepsSessions: false });
    const second = join(client, rotated, session);
    assert.deepEqual([...states(second), tlcp.isResumed(second.client)], [OPEN, OPEN, 1]);
    const third = join(client, rotated, tlcp.keepSession(second.client));
    assert.equal(tlcp.isResumed(third.client), 1);
  });

  it('a full handshake follows where a session no longer holds', () => {
    const client = settingsOf({ takesTickets: true });
    const server = settingsOf({ pair: 'server', tickets: TICKETS });
    const session = tlcp.keepSession(join(client, server).client);
    const cases = {
      'an hour later': settingsOf({ pair: 'server', tickets: TICKETS, now: NOW + 3601 }),
      'other keys of tickets': settingsOf({ pair: 'server', tickets: TICKETS.map((byte) => byte + 1) }),
      'another policy': settingsOf({ pair: 'server', tickets: TICKETS, auth: 1 }),
      'other suites': settingsOf({ pair: 'server', tickets: TICKETS, suites: [SUITES['ECC-CBC']] }),
    };
    for (const [name, other] of Object.entries(cases)) {
      const ends = join(client, other, session);
      assert.deepEqual([...states(ends), tlcp.isResumed(ends.server)], [OPEN, OPEN, 0], name);
    }
  });
});

describe('certificates', () => {
  it('none, right, of an authority that is not trusted, expired: as the policy says', () => {
    assert.deepEqual(states(connect({}, { auth: 1 })), [OPEN, OPEN]);
    const none = connect({ suites: [ECC_GCM] }, { auth: 2 });
    assert.deepEqual([...states(none), tlcp.alertReceived(none.client)], [FAILED, FAILED, ALERT.handshake]);
    const right = connect({ suites: [ECC_GCM], pair: 'client' }, { auth: 2 });
    assert.deepEqual([...states(right), tlcp.hasPeer(right.server)], [OPEN, OPEN, 1]);
    const foreign = connect({ pair: 'client' }, { auth: 2, trust: ['other-ca.pem'] });
    assert.deepEqual(
      [...states(foreign), tlcp.alertReceived(foreign.client)],
      [FAILED, FAILED, ALERT.unknownAuthority],
    );
    const late = connect({ pair: 'client' }, { auth: 2, now: NOW + 20 * 365 * 86400 });
    assert.deepEqual([...states(late), tlcp.alertReceived(late.client)], [FAILED, FAILED, ALERT.expired]);
  });

  it('the client refuses a server that it does not trust, that expired or has another name', () => {
    const cases: [SideOptions, number][] = [
      [{ trust: ['other-ca.pem'] }, ALERT.unknownAuthority],
      [{ now: NOW + 20 * 365 * 86400 }, ALERT.expired],
      [{ host: 'elsewhere.test' }, 46],
    ];
    for (const [options, alert] of cases) {
      const ends = connect(options, {});
      assert.deepEqual([...states(ends), tlcp.alertReceived(ends.server)], [FAILED, FAILED, alert]);
    }
    for (const host of ['localhost', 'TLCP.test', '127.0.0.1'])
      assert.deepEqual(states(connect({ host }, {})), [OPEN, OPEN]);
  });
});

describe('what implementations do in different ways', () => {
  const forms: SideOptions[] = [
    { framesShare: true },
    { signsMessages: true },
    { framesShare: true, signsMessages: true },
  ];
  for (const form of forms) {
    it(`a server takes ${Object.keys(form).join(' and ')}`, () => {
      for (const suite of Object.values(SUITES)) {
        const ends = connect({ ...form, suites: [suite], pair: 'client' }, { auth: 2 }, 7);
        assert.deepEqual([...states(ends), tlcp.hasPeer(ends.server)], [OPEN, OPEN, 1]);
      }
    });
  }

  it('and the two differ on the wire', () => {
    const sent = forms.concat({}).map((form) => {
      const client = tlcp.newClient(settingsOf({ ...form, suites: [ECDHE_GCM], pair: 'client' }), 0);
      const server = tlcp.newServer(settingsOf({ pair: 'server' }));
      give(server, takeOutput(client));
      give(client, takeOutput(server));
      const flight = takeOutput(client);
      const exchange = 5 + flight.readUInt16BE(3);
      return flight.readUInt16BE(exchange + 3);
    });
    assert.deepEqual(sent, [75, 73, 75, 73]);
  });
});

describe('extensions', () => {
  it('SNI and ALPN are read', () => {
    const offers = { host: 'tlcp.test', protocols: ['h2', 'http/1.1'] };
    const ends = connect(offers, { protocols: ['http/1.1'] });
    assert.equal(text(tlcp.writeServerName(ends.server)), 'tlcp.test');
    assert.equal(text(tlcp.writeProtocol(ends.client)), 'http/1.1');
    assert.equal(text(tlcp.writeProtocol(ends.server)), 'http/1.1');
    const silent = connect(offers, {});
    assert.deepEqual([...states(silent), tlcp.writeProtocol(silent.client)], [OPEN, OPEN, 0]);
    const none = connect(offers, { protocols: ['other'] });
    assert.deepEqual([...states(none), tlcp.alertReceived(none.client)], [FAILED, FAILED, ALERT.noProtocol]);
  });

  it('an address is no SNI', () => {
    assert.equal(tlcp.writeServerName(connect({ host: '127.0.0.1' }, {}).server), 0);
  });
});

describe('the end', () => {
  it('close_notify goes both ways, and nothing after it', () => {
    const ends = connect({}, {});
    tlcp.close(ends.client);
    pump(ends.client, ends.server);
    assert.deepEqual(states(ends), [CLOSED, CLOSED]);
    assert.equal(tlcp.send(ends.server, put('late')), 0);
    assert.equal(takeOutput(ends.server).length, 0);
  });

  it('a handshake that is too slow ends with an alert, an open connection does not', () => {
    const server = tlcp.newServer(settingsOf({ pair: 'server' }));
    tlcp.expire(server, 10_000);
    assert.equal(takeOutput(server).length, 0);
    tlcp.expire(server, 10_001);
    assert.deepEqual([...takeOutput(server)], [21, 1, 1, 0, 2, 2, ALERT.handshake]);
    const ends = connect({}, {});
    tlcp.expire(ends.server, 60_000);
    assert.equal(tlcp.stateOf(ends.server), OPEN);
  });

  it('a changed bit of any record ends the connection with bad_record_mac, in every suite', () => {
    for (const suite of Object.values(SUITES)) {
      const ends = connect({ suites: [suite], pair: 'client' }, {});
      tlcp.send(ends.client, put('hello'));
      const record = takeOutput(ends.client);
      record[record.length - 1 - (suite & 15)]! ^= 1;
      give(ends.server, record);
      assert.deepEqual([tlcp.stateOf(ends.server), tlcp.alertSent(ends.server)], [FAILED, ALERT.mac]);
      assert.equal(takePlain(ends.server).length, 0);
    }
  });

  it('a record that is left out, repeated or out of order is forged', () => {
    for (const order of [[1], [0, 0], [1, 0]]) {
      const ends = connect({}, {});
      const records = ['one', 'two'].map((said) => {
        tlcp.send(ends.client, put(said));
        return takeOutput(ends.client);
      });
      for (const i of order) give(ends.server, records[i]!);
      assert.equal(tlcp.alertSent(ends.server), ALERT.mac, order.join());
    }
  });

  it('plain HTTP and TLS get an alert', () => {
    for (const first of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00']) {
      const server = tlcp.newServer(settingsOf({ pair: 'server' }));
      give(server, Buffer.from(first, 'latin1'));
      assert.equal(tlcp.reasonOf(server), 26);
      assert.equal(takeOutput(server)[0], 21);
    }
  });
});
