// Accepted chains of certificates, and the reasons for refusing others: each fault by itself, in a handshake.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der, extension } from '../../scripts/fim/tlcp-certificate.ts';
import { authority, DAY_MS, forEncryption, forSigning, make, type Made } from './tlcp-certificates.ts';
import { FAILED, give, NOW, OPEN, pump, put, settingsOf, takeOutput, tlcp } from './tlcp-guest.ts';

/** Numbers of filters/x509/fault.ts. */
const FAULT = {
  none: 0,
  malformed: 1,
  version: 3,
  algorithm: 4,
  critical: 5,
  early: 6,
  expired: 7,
  unknown: 8,
  signature: 9,
  noAuthority: 10,
  path: 11,
  usage: 12,
  name: 13,
};
const root = authority('root');
const ALERT_OF_UNKNOWN = 48;

interface Presented {
  sign?: Made;
  encrypt?: Made;
  /** More certificates, in front of the pair or behind it. */
  before?: Made[];
  behind?: Made[];
  trust?: Made[];
  host?: string;
}

/** The fault that a client finds with a server that presents this. */
function verdict({ sign = forSigning(root), encrypt = forEncryption(root), ...rest }: Presented): number {
  const { before = [], behind = [], trust = [root], host } = rest;
  const server = tlcp.newSettings();
  const chain = [...before, sign, encrypt, ...behind].map((made) => made.pem).join('');
  put(chain + sign.key.pem + encrypt.key.pem);
  const own = tlcp.identify(server, chain.length, sign.key.pem.length, encrypt.key.pem.length);
  if (own !== 0) return own;
  const client = tlcp.newSettings();
  for (const anchor of trust) {
    const fault = tlcp.trust(client, put(anchor.pem));
    if (fault !== 0) return fault;
  }
  if (host !== undefined) tlcp.setHost(client, put(host));
  for (const settings of [client, server]) tlcp.setNow(settings, NOW);
  const ends = { server: tlcp.newServer(server), client: tlcp.newClient(client, 0) };
  pump(ends.client, ends.server);
  const fault = tlcp.faultOf(ends.client);
  assert.equal(tlcp.stateOf(ends.client), fault === 0 ? OPEN : FAILED);
  if (fault === FAULT.unknown) assert.equal(tlcp.alertReceived(ends.server), ALERT_OF_UNKNOWN);
  return fault;
}

const days = (count: number): Date => new Date(NOW * 1000 + count * DAY_MS);

describe('accepted', () => {
  const upper = authority('upper', root, { authority: { pathLength: 1 } });
  const lower = authority('lower', upper, { authority: { pathLength: 0 } });
  const cases: Record<string, Presented> = {
    'a pair under a root': {},
    'through two intermediates, behind the pair': {
      sign: forSigning(lower),
      encrypt: forEncryption(lower),
      behind: [lower, upper, root],
    },
    'through two intermediates, in front of it and in the other order': {
      sign: forSigning(lower),
      encrypt: forEncryption(lower),
      before: [root, upper, lower],
    },
    'an intermediate as the anchor': { sign: forSigning(lower), encrypt: forEncryption(lower), trust: [lower] },
    'the two by different authorities': {
      encrypt: forEncryption(upper),
      behind: [upper],
    },
    'for a name': { host: 'bank.test' },
    'for a name in other letters': { host: 'BANK.Test' },
    'for a name under a wildcard': { sign: forSigning(root, { hosts: ['*.bank.test'] }), host: 'a.bank.test' },
    'for an address': { sign: forSigning(root, { hosts: ['10.0.0.9'] }), host: '10.0.0.9' },
    'by its commonName where it has no other names': {
      sign: make({ name: 'old.test', authority: false, usages: ['digitalSignature'] }, root),
      host: 'old.test',
    },
    'without keyUsage, by the order': {
      sign: make({ name: 'first', authority: false }, root),
      encrypt: make({ name: 'second', authority: false }, root),
    },
    'an end after 2050': { sign: forSigning(root, { notAfter: new Date(Date.UTC(2051, 1, 28)) }) },
    'an extension that is not known and not critical': {
      sign: forSigning(root, { extra: [extension('2a0304', false, Buffer.from('no DER at all'))] }),
    },
  };
  for (const [name, presented] of Object.entries(cases)) it(name, () => assert.equal(verdict(presented), FAULT.none));

  it('the pair in either order, with its keys', () => {
    const [sign, encrypt] = [forSigning(root), forEncryption(root)];
    assert.equal(verdict({ sign: encrypt, encrypt: sign }), FAULT.none);
  });
});

describe('refused', () => {
  const narrow = authority('narrow', root, { authority: { pathLength: 0 } });
  const tooDeep = authority('too deep', narrow);
  const noIssuer = authority('may not issue', root, { usages: ['cRLSign'] });
  const leaf = make({ name: 'no authority', usages: ['digitalSignature', 'keyEncipherment', 'keyCertSign'] }, root);
  const other = authority('root'); // the same name, another key
  const cases: Record<string, [Presented, number]> = {
    'an unknown authority': [{ trust: [authority('another')] }, FAULT.unknown],
    'an authority of the same name and another key': [{ trust: [other] }, FAULT.signature],
    'one that is not in time yet': [{ sign: forSigning(root, { notBefore: days(1) }) }, FAULT.early],
    'one that has expired': [{ sign: forSigning(root, { notAfter: days(-0.5) }) }, FAULT.expired],
    'an expired certificate for encryption': [
      { encrypt: forEncryption(root, { notAfter: days(-0.5) }) },
      FAULT.expired,
    ],
    'an expired root': [
      ((old) => ({ sign: forSigning(old), encrypt: forEncryption(old), trust: [old] }))(
        authority('old root', undefined, { notAfter: days(-0.5) }),
      ),
      FAULT.expired,
    ],
    'a path that is too long': [
      { sign: forSigning(tooDeep), encrypt: forEncryption(tooDeep), behind: [tooDeep, narrow] },
      FAULT.path,
    ],
    'an issuer without the use': [
      { sign: forSigning(noIssuer), encrypt: forEncryption(noIssuer), behind: [noIssuer] },
      FAULT.noAuthority,
    ],
    'a leaf as the anchor': [{ sign: forSigning(leaf), trust: [leaf] }, FAULT.noAuthority],
    "a server with a client's certificate": [{ sign: forSigning(root, { purposes: ['client'] }) }, FAULT.usage],
    'another name': [{ host: 'other.test' }, FAULT.name],
    'a wildcard for two labels': [{ sign: forSigning(root, { hosts: ['*.test'] }), host: 'a.bank.test' }, FAULT.name],
    'a wildcard for a top domain': [{ sign: forSigning(root, { hosts: ['*.test'] }), host: 'bank.test' }, FAULT.name],
    'commonName where there are other names': [{ host: 'server sign' }, FAULT.name],
    'another address': [{ sign: forSigning(root, { hosts: ['10.0.0.9'] }), host: '10.0.0.8' }, FAULT.name],
    'a critical extension that is not known': [
      { sign: forSigning(root, { extra: [extension('2a0304', true, der(5))] }) },
      FAULT.critical,
    ],
    'name constraints, which are not understood': [
      { sign: forSigning(root, { extra: [extension('551d1e', true, der(0x30))] }) },
      FAULT.critical,
    ],
    'an extension twice': [
      { sign: forSigning(root, { extra: [extension('551d0f', true, Buffer.from('03020780', 'hex'))] }) },
      FAULT.malformed,
    ],
  };
  for (const [name, [presented, fault]] of Object.entries(cases))
    it(name, () => assert.equal(verdict(presented), fault));

  it('a leaf that issues, in a message that no server of ours would send', () => {
    const sent = [forSigning(leaf), forEncryption(root), leaf].map(({ der: bytes }) =>
      Buffer.concat([Buffer.from([0, bytes.length >> 8, bytes.length & 255]), bytes]),
    );
    const list = Buffer.concat(sent);
    const head = Buffer.from([22, 1, 1, 0, 0, 11, 0, 0, 0, 0, 0, 0]);
    head.writeUInt16BE(list.length + 7, 3);
    head.writeUInt16BE(list.length + 3, 7);
    head.writeUInt16BE(list.length, 10);
    const [client, server] = [settingsOf({ trust: [] }), settingsOf({ pair: 'server' })];
    tlcp.trust(client, put(root.pem));
    const ends = { server: tlcp.newServer(server), client: tlcp.newClient(client, 0) };
    give(ends.server, takeOutput(ends.client));
    const flight = takeOutput(ends.server);
    const hello = 5 + flight.readUInt16BE(3);
    give(ends.client, Buffer.concat([flight.subarray(0, hello), head, list]));
    assert.equal(tlcp.faultOf(ends.client), FAULT.noAuthority);
  });

  it('a certificate of which any byte was changed', () => {
    const good = forSigning(root);
    for (let at = 0; at < good.der.length; at += 3) {
      const bytes = Buffer.from(good.der);
      bytes[at]! ^= 1;
      const sign = {
        ...good,
        der: bytes,
        pem: `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`,
      };
      assert.notEqual(verdict({ sign }), FAULT.none, `byte ${at}`);
    }
  });

  it('every certificate that was cut', () => {
    const { der: whole } = forSigning(root);
    const settings = tlcp.newSettings();
    for (let length = 1; length < whole.length; length++) {
      const text = `-----BEGIN CERTIFICATE-----\n${whole.subarray(0, length).toString('base64')}\n-----END CERTIFICATE-----\n`;
      assert.notEqual(tlcp.trust(settings, put(text)), FAULT.none, `${length} bytes`);
    }
  });
});

describe('a certificate that was accepted before', () => {
  const verdictAt = (sign: Made, encrypt: Made, trust: Made, now: number): number => {
    const [server, client] = [tlcp.newSettings(), tlcp.newSettings()];
    const chain = sign.pem + encrypt.pem;
    put(chain + sign.key.pem + encrypt.key.pem);
    assert.equal(tlcp.identify(server, chain.length, sign.key.pem.length, encrypt.key.pem.length), 0);
    assert.equal(tlcp.trust(client, put(trust.pem)), 0);
    for (const settings of [client, server]) tlcp.setNow(settings, now);
    const ends = { server: tlcp.newServer(server), client: tlcp.newClient(client, 0) };
    pump(ends.client, ends.server);
    return tlcp.faultOf(ends.client);
  };

  it('is refused when it has expired, under another authority of the same name, and with any other byte', () => {
    const [sign, encrypt] = [forSigning(root), forEncryption(root)];
    for (let i = 0; i < 3; i++) assert.equal(verdictAt(sign, encrypt, root, NOW), FAULT.none);
    assert.equal(verdictAt(sign, encrypt, root, NOW + 366 * 86_400), FAULT.expired);
    assert.equal(verdictAt(sign, encrypt, root, NOW - 2 * 86_400), FAULT.early);
    assert.equal(verdictAt(sign, encrypt, authority('root'), NOW), FAULT.signature);
    // All but the last eight bytes, by which it is found, are another certificate's.
    const der = Buffer.from(sign.der);
    der[20]! ^= 1;
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    assert.notEqual(verdictAt({ ...sign, der, pem }, encrypt, root, NOW), FAULT.none);
    assert.equal(verdictAt(sign, encrypt, root, NOW), FAULT.none);
  });

  it('makes room: three hundred others come, and it is still right', () => {
    const [sign, encrypt] = [forSigning(root), forEncryption(root)];
    for (let i = 0; i < 300; i++) assert.equal(verdictAt(forSigning(root), encrypt, root, NOW), FAULT.none);
    assert.equal(verdictAt(sign, encrypt, root, NOW), FAULT.none);
  });
});
