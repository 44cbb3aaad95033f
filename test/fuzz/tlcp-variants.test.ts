// The standard is silent in places, and implementations differ: each variant is chosen by name, works against a side
// that chose it too, and is seen on the wire.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authority, forEncryption, forSigning } from './tlcp-certificates.ts';
import {
  FAILED,
  give,
  NOW,
  OPEN,
  pump,
  put,
  settingsOf,
  SUITES,
  takeOutput,
  tlcp,
  type SideOptions,
} from './tlcp-guest.ts';

const EPHEMERAL = [SUITES['ECDHE-GCM'], SUITES['ECDHE-CBC']];
const HANDSHAKE = 22;
const CERTIFICATE = 11;
const SERVER_KEY_EXCHANGE = 12;
/** Place of a share's curve in a ServerKeyExchange's record: header of the record, of the message, the kind. */
const CURVE_AT = 5 + 4 + 1;

interface Ends {
  client: number;
  server: number;
}

function connect(client: SideOptions, server: SideOptions): Ends {
  const ends = {
    server: tlcp.newServer(settingsOf({ pair: 'server', ...server })),
    client: tlcp.newClient(settingsOf({ pair: 'client', ...client }), 0),
  };
  pump(ends.client, ends.server);
  return ends;
}

const states = ({ client, server }: Ends): number[] => [tlcp.stateOf(client), tlcp.stateOf(server)];

/** Records of a flight before its ChangeCipherSpec. */
function plainRecords(flight: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < flight.length && flight[at] === HANDSHAKE;) {
    const end = at + 5 + flight.readUInt16BE(at + 3);
    records.push(flight.subarray(at, end));
    at = end;
  }
  return records;
}

/** Certificates in the Certificate message of a flight. */
function certificatesIn(flight: Buffer): number {
  const message = plainRecords(flight).find((record) => record[5] === CERTIFICATE);
  assert.ok(message);
  let count = 0;
  for (let at = 12; at < message.length; count++) at += 3 + message.readUIntBE(at, 3);
  return count;
}

/** Flights of a handshake up to the client's second. */
function flights(client: SideOptions, server: SideOptions): { ofServer: Buffer; ofClient: Buffer; ends: Ends } {
  const ends = {
    server: tlcp.newServer(settingsOf({ pair: 'server', ...server })),
    client: tlcp.newClient(settingsOf({ pair: 'client', ...client }), 0),
  };
  give(ends.server, takeOutput(ends.client));
  const ofServer = takeOutput(ends.server);
  give(ends.client, ofServer);
  const ofClient = takeOutput(ends.client);
  give(ends.server, ofClient);
  give(ends.client, takeOutput(ends.server));
  return { ofServer, ofClient, ends };
}

describe('the key exchange of ECDHE', () => {
  for (const [name, variant] of Object.entries<SideOptions>({
    'a pre-master secret of 32 bytes': { exchangeBytes: 32 },
    'another user id': { exchangeId: 'gateway@bank' },
    both: { exchangeBytes: 16, exchangeId: 'gateway@bank' },
  })) {
    it(`${name}: agreed if both sides say so, and only then`, () => {
      for (const suite of EPHEMERAL) {
        assert.deepEqual(states(connect({ ...variant, suites: [suite] }, variant)), [OPEN, OPEN]);
        const mixed = connect({ ...variant, suites: [suite] }, {});
        assert.deepEqual(states(mixed), [FAILED, FAILED], 'the two sides derive other keys');
      }
    });

    it(`${name}: nothing to the ECC suites`, () => {
      assert.deepEqual(states(connect({ ...variant, suites: [SUITES['ECC-GCM']] }, { auth: 2 })), [OPEN, OPEN]);
    });
  }

  it('a share whose curve has another number is taken, if its point is one of SM2', () => {
    const client = tlcp.newClient(settingsOf({ pair: 'client', suites: [SUITES['ECDHE-GCM']] }), 0);
    const server = tlcp.newServer(settingsOf({ pair: 'server' }));
    give(server, takeOutput(client));
    const flight = takeOutput(server);
    const exchange = plainRecords(flight).find((record) => record[5] === SERVER_KEY_EXCHANGE);
    assert.equal(exchange?.readUInt16BE(CURVE_AT), 41);
    exchange.writeUInt16BE(23, CURVE_AT);
    give(client, flight);
    // It was signed with 41: the signature is what refuses this, not the number.
    assert.equal(tlcp.alertSent(client), 51);
    const good = exchange.subarray();
    good[CURVE_AT + 10]! ^= 1; // a point off the curve
    const other = tlcp.newClient(settingsOf({ pair: 'client', suites: [SUITES['ECDHE-GCM']] }), 0);
    takeOutput(other);
    give(other, flight);
    assert.equal(tlcp.alertSent(other), 47);
  });
});

describe('certificates in the message', () => {
  it('authorities are sent, or are not, by either side', () => {
    const all = flights({ suites: [SUITES['ECC-GCM']] }, { auth: 2 });
    assert.deepEqual([certificatesIn(all.ofServer), certificatesIn(all.ofClient)], [3, 3]);
    const few = flights({ suites: [SUITES['ECC-GCM']], sendsAuthorities: false }, { auth: 2, sendsAuthorities: false });
    assert.deepEqual([certificatesIn(few.ofServer), certificatesIn(few.ofClient)], [2, 2]);
    assert.deepEqual(states(few.ends), [OPEN, OPEN]);
  });

  it('a client sends its certificate for signatures alone, but never with ECDHE', () => {
    const variant = { sendsSignOnly: true, sendsAuthorities: false };
    const alone = flights({ ...variant, suites: [SUITES['ECC-CBC']] }, { auth: 2 });
    assert.equal(certificatesIn(alone.ofClient), 1);
    assert.deepEqual([...states(alone.ends), tlcp.hasPeer(alone.ends.server)], [OPEN, OPEN, 1]);
    const both = flights({ ...variant, suites: [SUITES['ECDHE-CBC']] }, { auth: 2 });
    assert.equal(certificatesIn(both.ofClient), 2);
    assert.deepEqual(states(both.ends), [OPEN, OPEN]);
  });
});

describe('trust', () => {
  it('several anchors: a pair under any of them is taken, and each side of a pair may be under another', () => {
    const roots = [authority('one'), authority('two'), authority('three')];
    const client = tlcp.newSettings();
    for (const root of roots) assert.equal(tlcp.trust(client, put(root.pem)), 0);
    tlcp.setNow(client, NOW);
    for (const [first, second] of [
      [0, 0],
      [2, 2],
      [1, 2],
    ] as const) {
      const server = tlcp.newSettings();
      const [sign, encrypt] = [forSigning(roots[first]!), forEncryption(roots[second]!)];
      const chain = sign.pem + encrypt.pem;
      put(chain + sign.key.pem + encrypt.key.pem);
      assert.equal(tlcp.identify(server, chain.length, sign.key.pem.length, encrypt.key.pem.length), 0);
      tlcp.setNow(server, NOW);
      const ends = { server: tlcp.newServer(server), client: tlcp.newClient(client, 0) };
      pump(ends.client, ends.server);
      assert.deepEqual(states(ends), [OPEN, OPEN], `${first} and ${second}`);
    }
  });

  it('anchors in one text, with text between them', () => {
    const roots = [authority('one'), authority('two')];
    const client = tlcp.newSettings();
    assert.equal(tlcp.trust(client, put(`first\n${roots[0]!.pem}second\n${roots[1]!.pem}`)), 0);
  });
});

describe('extensions', () => {
  it('unknown ones, of any number and content, are passed over', () => {
    const client = tlcp.newClient(settingsOf({ suites: [SUITES['ECC-GCM']], host: 'tlcp.test' }), 0);
    const hello = takeOutput(client);
    // trusted_ca_keys, supported_groups, signature_algorithms, extended_master_secret, a reserved one,
    // renegotiation_info.
    const more = Buffer.from(
      '000300020000000a00040002002900' + '0d000400020707' + '00170000' + '0a0a0000' + 'ff01000100',
      'hex',
    );
    const grown = Buffer.concat([hello, more]);
    const base = 5 + 4 + 2 + 32;
    const suites = base + 1 + hello[base]!;
    const extensions = suites + 2 + hello.readUInt16BE(suites) + 2;
    grown.writeUInt16BE(hello.readUInt16BE(3) + more.length, 3);
    grown.writeUIntBE(hello.readUIntBE(6, 3) + more.length, 6, 3);
    grown.writeUInt16BE(hello.readUInt16BE(extensions) + more.length, extensions);
    const server = tlcp.newServer(settingsOf({ pair: 'server' }));
    give(server, grown, 3);
    assert.equal(tlcp.alertSent(server), 255);
    assert.equal(takeOutput(server)[0], HANDSHAKE);
  });
});
