// Revocation lists: each good one and each mistake by itself, in a handshake, and what the declared fallback makes of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der, extension, integer, oid, sequence } from '../../scripts/fim/tlcp-certificate.ts';
import { authority, forEncryption, forSigning, Key } from './tlcp-certificates.ts';
import { put, tlcp } from './tlcp-guest.ts';
import {
  ACCEPT,
  client,
  ENCRYPT_SERIAL,
  GOOD,
  LAST_GOOD,
  LIST,
  meet,
  OTHER_SERIAL,
  REFUSE,
  REVOKED,
  root,
  server,
  SIGN_SERIAL,
  UNKNOWN,
  verdict,
} from './tlcp-revocation-guest.ts';
import { at, flag, list, listPoints, point, scope, type ListSaid } from './tlcp-revocations.ts';

describe('lists', () => {
  it('a certificate that the list does not name is accepted', () => {
    assert.equal(verdict([list(root)]), GOOD);
    assert.equal(verdict([list(root, { serials: [OTHER_SERIAL] })]), GOOD);
  });

  it('one that it names is not, for signatures or for encryption', () => {
    assert.equal(verdict([list(root, { serials: [OTHER_SERIAL, SIGN_SERIAL] })]), REVOKED);
    assert.equal(verdict([list(root, { serials: [ENCRYPT_SERIAL] })]), REVOKED);
    const reasons = [extension('551d15', false, der(10, Buffer.from([6])))]; // certificateHold
    assert.equal(verdict([list(root, { serials: [SIGN_SERIAL], entryExtensions: reasons })]), REVOKED);
  });

  it('ten thousand names, the first, the last and one between are found, and no other', () => {
    const serials = Array.from({ length: 10_000 }, (_, i) => Buffer.from([0x70, i >> 8, i & 255]));
    for (const at of [0, 4711, 9999]) {
      const named = [...serials];
      named[at] = SIGN_SERIAL;
      assert.equal(verdict([list(root, { serials: named })]), REVOKED);
    }
    assert.equal(verdict([list(root, { serials })]), GOOD);
  });

  it('a revoked authority between the pair and the anchor', () => {
    const upper = authority('upper', root, { serial: OTHER_SERIAL });
    const of = server([forSigning(upper), forEncryption(upper)], [upper]);
    assert.equal(meet(client([list(root), list(upper)], {}), undefined, of).fault, GOOD);
    assert.equal(
      meet(client([list(root, { serials: [OTHER_SERIAL] }), list(upper)], {}), undefined, of).fault,
      REVOKED,
    );
    assert.equal(meet(client([list(root)], {}), undefined, of).fault, UNKNOWN, 'no list of the upper authority');
  });

  it('one list in PEM, several in a text', () => {
    const settings = client([], {});
    const text = [list(root), list(authority('another'))]
      .map((one) => `-----BEGIN X509 CRL-----\n${one.toString('base64')}\n-----END X509 CRL-----\n`)
      .join('text');
    assert.equal(tlcp.addLists(settings, put(text)), 0);
    assert.equal(meet(settings).fault, GOOD);
    assert.equal(tlcp.addLists(settings, put(root.pem)), LIST.missing);
  });

  it('a new list takes the place of the old one, an older one does not', () => {
    const settings = client([list(root)], {});
    assert.equal(meet(settings).fault, GOOD);
    assert.equal(tlcp.addLists(settings, put(list(root, { serials: [SIGN_SERIAL], thisUpdate: at(-0.5) }))), 0);
    assert.equal(meet(settings).fault, REVOKED);
    assert.equal(tlcp.addLists(settings, put(list(root, { thisUpdate: at(-2) }))), LIST.older);
    assert.equal(tlcp.addLists(settings, put(list(root, { thisUpdate: at(-0.2), key: new Key() }))), LIST.signature);
    assert.equal(meet(settings).fault, REVOKED);
    assert.equal(tlcp.addLists(settings, put(list(root, { thisUpdate: at(-0.1) }))), 0);
    assert.equal(meet(settings).fault, GOOD);
  });

  for (const [name, said] of Object.entries<ListSaid>({
    'signed by another key': { key: new Key() },
    'of tomorrow': { thisUpdate: at(1) },
    'of last week': { thisUpdate: at(-9), nextUpdate: at(-2) },
    'of authorities alone': { extensions: [scope(flag(0x82))] },
    'of another distribution point': { extensions: [scope(point('http://crl.test/2'))] },
  })) {
    it(`one ${name} says nothing: the fallback decides`, () => {
      const said2 = { ...said, serials: [] };
      assert.equal(verdict([list(root, said2)]), UNKNOWN);
      assert.equal(verdict([list(root, said2)], { fallback: ACCEPT }), GOOD);
      const isOld = name === 'of last week' || name === 'of tomorrow';
      assert.equal(verdict([list(root, said2)], { fallback: LAST_GOOD }), isOld ? GOOD : UNKNOWN);
    });
  }

  it('an issuer that may not sign lists', () => {
    const issuer = authority('no lists', undefined, { usages: ['keyCertSign'] });
    const of = server([forSigning(issuer), forEncryption(issuer)]);
    assert.equal(meet(client([list(issuer)], {}, [issuer]), undefined, of).fault, UNKNOWN);
  });

  it('a list of a distribution point counts for certificates that name it', () => {
    const pair = [
      forSigning(root, { serial: SIGN_SERIAL, extra: [listPoints('http://crl.test/1')] }),
      forEncryption(root, { extra: [listPoints('http://crl.test/2')] }),
    ];
    const part = (uri: string, serials: Buffer[] = []): Buffer =>
      list(root, { serials, extensions: [scope(point(uri), flag(0x81))] });
    const both = [part('http://crl.test/1'), part('http://crl.test/2', [OTHER_SERIAL])];
    assert.equal(meet(client(both, {}), undefined, server(pair)).fault, GOOD);
    assert.equal(meet(client(both.slice(1), {}), undefined, server(pair)).fault, UNKNOWN);
    const hit = [part('http://crl.test/1', [SIGN_SERIAL]), both[1]!];
    assert.equal(meet(client(hit, {}), undefined, server(pair)).fault, REVOKED);
  });

  it('an outdated list still says what it names, whatever the fallback', () => {
    const old = list(root, { serials: [SIGN_SERIAL], thisUpdate: at(-9), nextUpdate: at(-2) });
    for (const fallback of [REFUSE, ACCEPT, LAST_GOOD]) assert.equal(verdict([old], { fallback }), REVOKED);
  });

  const refused: Record<string, [ListSaid, number]> = {
    'a delta list': [{ extensions: [extension('551d1b', true, integer(Buffer.from([1])))] }, LIST.delta],
    'an indirect list': [{ extensions: [scope(flag(0x84))] }, LIST.indirect],
    'an entry of another issuer': [
      { serials: [OTHER_SERIAL], entryExtensions: [extension('551d1d', true, sequence())] },
      LIST.indirect,
    ],
    'a list for some reasons': [{ extensions: [scope(der(0x83, Buffer.from([1, 6])))] }, LIST.partial],
    'a list of attribute certificates': [{ extensions: [scope(flag(0x85))] }, LIST.partial],
    'a distribution point by a relative name': [{ extensions: [scope(der(0xa0, der(0xa1)))] }, LIST.partial],
    'a critical extension': [{ extensions: [extension('2a0304', true, der(5))] }, LIST.critical],
    'a critical extension of an entry': [
      { serials: [OTHER_SERIAL], entryExtensions: [extension('2a0304', true, der(5))] },
      LIST.critical,
    ],
    'no time of the next': [{ nextUpdate: null }, LIST.noNext],
    'a next one before this': [{ nextUpdate: at(-3) }, LIST.malformed],
    'another version': [{ version: integer(Buffer.from([2])) }, LIST.version],
    'another algorithm': [{ algorithm: sequence(oid('2a8648ce3d040302')) }, LIST.algorithm],
  };
  for (const [name, [said, fault]] of Object.entries(refused))
    it(`refused by name: ${name}`, () => assert.equal(tlcp.addLists(client([], {}), put(list(root, said))), fault));

  it('a list of which any byte was changed says nothing, or is refused', () => {
    const good = list(root, { serials: [SIGN_SERIAL], extensions: [scope(flag(0x81))] });
    for (let at = 0; at < good.length; at += 2) {
      const bytes = Buffer.from(good);
      bytes[at]! ^= 1;
      const settings = client([], {});
      if (tlcp.addLists(settings, put(bytes)) === 0) assert.equal(meet(settings).fault, UNKNOWN, `byte ${at}`);
    }
  });
});
