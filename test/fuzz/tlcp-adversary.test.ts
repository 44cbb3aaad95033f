// Attacks by somebody on the line: downgrades, cuts, replays, other protocols, data at the wrong time, every split.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CLOSED,
  FAILED,
  give,
  OPEN,
  pump,
  put,
  settingsOf,
  SUITES,
  takeOutput,
  takePlain,
  tlcp,
  type SideOptions,
} from './tlcp-guest.ts';

const ALERT = { unexpected: 10, mac: 20, handshake: 40, decode: 50, decrypt: 51, version: 70, none: 255 };
const TYPE = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 };
const TICKETS = new Uint8Array(32).fill(5);
const OTHER_PROTOCOL = 26;
/** Places of a ClientHello's version and of its list of suites: headers, version, random, empty id. */
const VERSION_AT = 5 + 4;
const SUITES_AT = 5 + 4 + 2 + 32 + 1;

interface Ends {
  client: number;
  server: number;
}

const start = (client: SideOptions = {}, server: SideOptions = {}): Ends => ({
  server: tlcp.newServer(settingsOf({ pair: 'server', ...server })),
  client: tlcp.newClient(settingsOf(client), 0),
});
const open = (client: SideOptions = {}, server: SideOptions = {}): Ends => {
  const ends = start(client, server);
  pump(ends.client, ends.server);
  assert.deepEqual([tlcp.stateOf(ends.client), tlcp.stateOf(ends.server)], [OPEN, OPEN]);
  return ends;
};
const record = (type: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([type, 1, 1, bytes.length >> 8, bytes.length & 255]), bytes]);
};
const recordsOf = (flight: Buffer): Buffer[] => {
  const records: Buffer[] = [];
  for (let at = 0; at < flight.length;) {
    const end = at + 5 + flight.readUInt16BE(at + 3);
    records.push(flight.subarray(at, end));
    at = end;
  }
  return records;
};

describe('downgrades', () => {
  it('suites that were taken out of the hello: both sides find out by Finished', () => {
    const ends = start();
    const hello = takeOutput(ends.client);
    // GCM becomes a suite that nobody knows, so that CBC is chosen.
    for (let at = SUITES_AT + 2; at < SUITES_AT + 2 + hello.readUInt16BE(SUITES_AT); at += 2)
      if (hello.readUInt16BE(at) === SUITES['ECC-GCM']) hello.writeUInt16BE(0xe0ff, at);
    give(ends.server, hello);
    assert.equal(tlcp.suiteOf(ends.server), SUITES['ECC-CBC']);
    pump(ends.client, ends.server);
    assert.deepEqual([tlcp.stateOf(ends.client), tlcp.stateOf(ends.server)], [FAILED, FAILED]);
    // The hello is in what is signed and in what keys are made of, or at the latest in Finished.
    assert.ok([ALERT.decrypt, ALERT.mac].includes(tlcp.alertSent(ends.server)));
  });

  it('a lower version, and a server that answers with another suite or version', () => {
    const lower = start();
    const hello = takeOutput(lower.client);
    hello.writeUInt16BE(0x0100, VERSION_AT);
    give(lower.server, hello);
    assert.equal(tlcp.alertSent(lower.server), ALERT.version);
    for (const [at, value, alert] of [
      [VERSION_AT, 0x0100, ALERT.version],
      [5 + 4 + 2 + 32 + 1 + 32, 0xe0ff, 47],
      [5 + 4 + 2 + 32 + 1 + 32, SUITES['ECDHE-GCM'], 47],
    ] as const) {
      const ends = start();
      give(ends.server, takeOutput(ends.client));
      const flight = takeOutput(ends.server);
      flight.writeUInt16BE(value, at);
      give(ends.client, flight);
      assert.equal(tlcp.alertSent(ends.client), alert);
    }
  });
});

describe('cuts', () => {
  it('a connection that ends without close_notify has not ended in order', () => {
    const ends = open();
    tlcp.send(ends.client, put('the first half'));
    const whole = takeOutput(ends.client);
    give(ends.server, whole.subarray(0, whole.length - 1));
    assert.equal(takePlain(ends.server).length, 0, 'a record that is not complete says nothing');
    assert.equal(tlcp.stateOf(ends.server), OPEN, 'the host sees the end of the TCP connection and no close_notify');
    const closed = open();
    tlcp.close(closed.client);
    give(closed.server, takeOutput(closed.client));
    assert.equal(tlcp.stateOf(closed.server), CLOSED);
  });

  it('a record whose header says less or more', () => {
    for (const by of [-1, 1]) {
      const ends = open();
      tlcp.send(ends.client, put('hello'));
      const bytes = takeOutput(ends.client);
      bytes.writeUInt16BE(bytes.readUInt16BE(3) + by, 3);
      give(ends.server, Buffer.concat([bytes, Buffer.alloc(1)]));
      assert.deepEqual([tlcp.alertSent(ends.server), takePlain(ends.server).length], [ALERT.mac, 0]);
    }
  });
});

describe('replays', () => {
  it("a flight that was recorded does not open another connection, nor does another's ticket", () => {
    const settings = settingsOf({ pair: 'server', tickets: TICKETS });
    const client = settingsOf({ takesTickets: true });
    const first = { server: tlcp.newServer(settings), client: tlcp.newClient(client, 0) };
    pump(first.client, first.server);
    const session = tlcp.keepSession(first.client);
    const second = { server: tlcp.newServer(settings), client: tlcp.newClient(client, session) };
    const hello = takeOutput(second.client);
    give(second.server, hello);
    give(second.client, takeOutput(second.server));
    const rest = takeOutput(second.client);
    give(second.server, rest);
    assert.deepEqual([tlcp.stateOf(second.server), tlcp.isResumed(second.server)], [OPEN, 1]);
    const replayed = tlcp.newServer(settings);
    give(replayed, hello);
    assert.equal(tlcp.isResumed(replayed), 1, 'the ticket itself is good');
    takeOutput(replayed);
    give(replayed, rest);
    assert.deepEqual([tlcp.stateOf(replayed), tlcp.alertSent(replayed)], [FAILED, ALERT.mac]);
    const elsewhere = tlcp.newServer(settingsOf({ pair: 'server', tickets: TICKETS, auth: 1 }));
    give(elsewhere, hello);
    assert.equal(tlcp.isResumed(elsewhere), 0, 'bound to the policy it was given under');
  });

  it('records of one connection, in another and in the other direction', () => {
    const [one, other] = [open(), open()];
    tlcp.send(one.client, put('pay'));
    const paid = takeOutput(one.client);
    give(other.server, paid);
    give(one.client, paid);
    assert.deepEqual([tlcp.alertSent(other.server), tlcp.alertSent(one.client)], [ALERT.mac, ALERT.mac]);
  });
});

describe('other protocols', () => {
  const hellos: Record<string, Buffer> = {
    'TLS 1.2': Buffer.from(
      '160301002a0100002603030000000000000000000000000000000000000000000000000000000000000000000000020000',
      'hex',
    ),
    'a TLS record with the suites of this protocol': Buffer.from('1603030005e053000000', 'hex'),
    'SSL 2': Buffer.from('802e0100020015', 'hex'),
    HTTP: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    'HTTP/2': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    SSH: Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'),
  };
  for (const [name, hello] of Object.entries(hellos))
    for (const segment of [Infinity, 1])
      it(`${name}, in segments of ${segment}: one alert, and the end`, () => {
        const { server } = start();
        give(server, hello, segment);
        assert.deepEqual([tlcp.stateOf(server), tlcp.reasonOf(server)], [FAILED, OTHER_PROTOCOL]);
        assert.equal(takeOutput(server).length, 7);
        give(server, hello);
        assert.equal(takeOutput(server).length, 0);
      });
});

describe('data at the wrong time', () => {
  it('before the handshake is done, in clear, or behind a cut message', () => {
    const cases: [string, (ends: Ends) => void][] = [
      ['first', ({ server }) => give(server, record(TYPE.data, 'early'))],
      [
        'behind the hello',
        ({ client, server }) => give(server, Buffer.concat([takeOutput(client), record(TYPE.data, 'early')])),
      ],
      ['ChangeCipherSpec first', ({ server }) => give(server, record(TYPE.changeCipherSpec, '\x01'))],
      [
        'ChangeCipherSpec before the keys are agreed on',
        ({ client, server }) =>
          give(server, Buffer.concat([takeOutput(client), record(TYPE.changeCipherSpec, '\x01')])),
      ],
      [
        'Finished in clear',
        ({ client, server }) => {
          give(server, takeOutput(client));
          give(client, takeOutput(server));
          const [exchange] = recordsOf(takeOutput(client));
          give(
            server,
            Buffer.concat([
              exchange!,
              record(TYPE.handshake, Buffer.concat([Buffer.from([20, 0, 0, 12]), Buffer.alloc(12)])),
            ]),
          );
        },
      ],
      [
        'data between ChangeCipherSpec and Finished',
        ({ client, server }) => {
          give(server, takeOutput(client));
          give(client, takeOutput(server));
          const [exchange, change] = recordsOf(takeOutput(client));
          give(server, Buffer.concat([exchange!, change!, record(TYPE.data, Buffer.alloc(64))]));
        },
      ],
      [
        'ChangeCipherSpec within a message',
        ({ client, server }) => {
          give(server, takeOutput(client));
          give(client, takeOutput(server));
          const [exchange, change] = recordsOf(takeOutput(client));
          give(server, Buffer.concat([exchange!, record(TYPE.handshake, Buffer.from([20, 0])), change!]));
        },
      ],
    ];
    for (const [name, act] of cases) {
      const ends = start();
      act(ends);
      assert.equal(tlcp.stateOf(ends.server), FAILED, name);
      assert.ok([ALERT.unexpected, ALERT.mac].includes(tlcp.alertSent(ends.server)), name);
      assert.equal(takePlain(ends.server).length, 0, name);
    }
  });

  it('after an alert: nothing is handed on, nothing is said', () => {
    for (const level of ['fatal', 'close_notify']) {
      const ends = open();
      tlcp.send(ends.client, put('before'));
      const before = takeOutput(ends.client);
      tlcp.send(ends.client, put('after'));
      const after = takeOutput(ends.client);
      give(ends.server, before);
      if (level === 'fatal') {
        after[after.length - 1]! ^= 1;
        give(ends.server, after);
      } else tlcp.close(ends.server);
      takeOutput(ends.server);
      give(ends.server, after);
      assert.equal(takePlain(ends.server).toString(), 'before', level);
      assert.equal(tlcp.send(ends.server, put('more')), 0);
      assert.equal(takeOutput(ends.server).length, 0);
    }
  });

  it('a fatal alert in clear during the handshake ends it; after it, it is forged', () => {
    const early = start();
    give(early.server, record(TYPE.alert, Buffer.from([2, 40])));
    assert.deepEqual([tlcp.stateOf(early.server), tlcp.alertSent(early.server)], [FAILED, ALERT.none]);
    const late = open();
    give(late.server, record(TYPE.alert, Buffer.from([2, 40])));
    assert.equal(tlcp.alertSent(late.server), ALERT.mac);
  });

  it('a second handshake in the first', () => {
    const ends = start();
    const hello = takeOutput(ends.client);
    give(ends.server, Buffer.concat([hello, hello]));
    assert.equal(tlcp.alertSent(ends.server), ALERT.unexpected);
  });
});

describe('every split', () => {
  for (const [name, suite] of Object.entries(SUITES)) {
    it(`${name}: each flight in two pieces, at every byte`, () => {
      const client = settingsOf({ suites: [suite], pair: 'client', takesTickets: true });
      const server = settingsOf({ pair: 'server', auth: 2, tickets: TICKETS });
      const lengths = [0, 0, 0, 0];
      const run = (flight: number, at: number): void => {
        const ends = [tlcp.newClient(client, 0), tlcp.newServer(server)];
        for (let i = 0; i < 4; i++) {
          const bytes = takeOutput(ends[i & 1]!);
          lengths[i] = bytes.length;
          const cut = i === flight ? at : bytes.length;
          give(ends[1 - (i & 1)]!, bytes.subarray(0, cut));
          give(ends[1 - (i & 1)]!, bytes.subarray(cut));
        }
        assert.deepEqual(
          ends.map((end) => tlcp.stateOf(end)),
          [OPEN, OPEN],
          `flight ${flight} at ${at}`,
        );
        for (const end of ends) tlcp.drop(end);
      };
      run(-1, 0);
      // The bytes of certificates are many and alike: every seventh of them.
      for (let flight = 0; flight < 4; flight++)
        for (let at = 1; at < lengths[flight]!; at += at > 120 && at < lengths[flight]! - 120 ? 7 : 1) run(flight, at);
    });
  }
});
