// A message that cannot be opened always gets the same reply: status, headers and bytes do not depend on the reason.
// Only the counter does.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { goesWith, PROFILES, protect } from '../protection/partner.ts';
import type { Profile, Terms } from '../protection/partner.ts';
import { KEY_ID, keyOf, ProtectedRoute } from '../protection/route.ts';
import { builtModules } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

const TEXT = Buffer.from(JSON.stringify({ account: '6222021234567890', amount: '100.00', note: 'x'.repeat(700) }));
const named = (profile: Profile): boolean => ['fim-json', 'compact', 'segmented'].includes(profile);
const base = (profile: Profile): Terms => ({
  algorithm: 'SM4-GCM',
  profile,
  kid: `${KEY_ID}#1`,
  key: keyOf('SM4-GCM'),
  ...(profile === 'segmented' ? { segmentBytes: 256 } : {}),
});

const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
};

/** A body, and the counter that its refusal must move. */
type Case = [about: string, body: Buffer | string, counter: string];

const MALFORMED = 'fim.sm4.open_malformed';
const FOREIGN = 'fim.sm4.open_foreign_key';
const FORGED = 'fim.sm4.open_tag_wrong';
const ABSENT = 'fim.sm4.open_version_absent';

/** Changes one member of an envelope. */
function member(message: Buffer, name: string, change: (value: string) => unknown): string {
  const envelope = JSON.parse(message.toString()) as Record<string, string>;
  return JSON.stringify({ ...envelope, [name]: change(envelope[name]!) });
}

/** Changes one of the five parts. */
function part(message: Buffer, index: number, change: (value: string) => string): string {
  return message
    .toString()
    .split('.')
    .map((text, i) => (i === index ? change(text) : text))
    .join('.');
}

const recode = (text: string, encoding: 'base64' | 'base64url', change: (bytes: Buffer) => Buffer): string =>
  change(Buffer.from(text, encoding)).toString(encoding);

function general(profile: Profile, terms: Terms): Case[] {
  const good = protect(terms, TEXT);
  const cases: Case[] = [
    ['nothing', '', MALFORMED],
    ['plain text where protection is required', 'plain text', MALFORMED],
    [
      'cut off in the middle',
      good.subarray(0, good.length >> 1),
      named(profile) && profile !== 'segmented' ? MALFORMED : FORGED,
    ],
    ['cut off by one byte', good.subarray(0, -1), profile === 'raw' || profile === 'segmented' ? FORGED : MALFORMED],
    [
      'one byte more',
      Buffer.concat([good, Buffer.from('0')]),
      profile === 'raw' || profile === 'segmented' ? FORGED : MALFORMED,
    ],
    ['another key', protect({ ...terms, key: keyOf('SM4-GCM', 9) }, TEXT), FORGED],
  ];
  if (!named(profile)) return cases;
  return [
    ...cases,
    ['another key id', protect({ ...terms, kid: 'kms://prod/other#1' }, TEXT), FOREIGN],
    ['a retired version', protect({ ...terms, kid: `${KEY_ID}#7` }, TEXT), ABSENT],
    ['version 0', protect({ ...terms, kid: `${KEY_ID}#0` }, TEXT), FOREIGN],
    ['a version with a leading zero', protect({ ...terms, kid: `${KEY_ID}#01` }, TEXT), FOREIGN],
    ['a version beyond all bounds', protect({ ...terms, kid: `${KEY_ID}#99999999999` }, TEXT), FOREIGN],
    ['no version', protect({ ...terms, kid: KEY_ID }, TEXT), FOREIGN],
    [
      'a context where the route has none',
      protect({ ...terms, context: 'branch-1' }, TEXT),
      profile === 'segmented' ? FOREIGN : MALFORMED,
    ],
    ['another algorithm of the same key', protect({ ...terms, algorithm: 'SM4-CTR-HMAC-SM3' }, TEXT), FOREIGN],
    [
      'another algorithm of another key',
      protect({ ...terms, algorithm: 'AES-256-GCM', key: keyOf('AES-256-GCM') }, TEXT),
      FOREIGN,
    ],
    ['a type that is no header', protect(terms, TEXT, 'text/plain\r\nx-admin: 1'), MALFORMED],
    ['a type beyond its bound', protect(terms, TEXT, `text/${'x'.repeat(300)}`), MALFORMED],
    ...PROFILES.filter((other) => other !== profile && goesWith('SM4-GCM', other)).map((other): Case => [
      `the profile ${other}`,
      protect({ ...terms, profile: other }, TEXT),
      MALFORMED,
    ]),
  ];
}

function ofFimJson(terms: Terms): Case[] {
  const good = protect(terms, TEXT, 'text/xml');
  const binary = (name: string, change: (bytes: Buffer) => Buffer): string =>
    member(good, name, (value) => recode(value, 'base64', change));
  return [
    ['a wrong tag, first byte', binary('tag', (bytes) => flip(bytes, 0)), FORGED],
    ['a wrong tag, last byte', binary('tag', (bytes) => flip(bytes, -1)), FORGED],
    ['a wrong iv', binary('iv', (bytes) => flip(bytes, 3)), FORGED],
    ['wrong ciphertext', binary('ct', (bytes) => flip(bytes, 100)), FORGED],
    ['another type', member(good, 'cty', () => 'text/html'), FORGED],
    ['the type left out', member(good, 'cty', () => undefined), FORGED],
    ['a short tag', binary('tag', (bytes) => bytes.subarray(0, 12)), MALFORMED],
    ['a short iv', binary('iv', (bytes) => bytes.subarray(1)), MALFORMED],
    ['no ciphertext', member(good, 'ct', () => ''), FORGED],
    ['bad base64', member(good, 'ct', (value) => `${value.slice(0, -4)}A*==`), MALFORMED],
    ['base64 without padding', member(good, 'tag', (value) => value.replaceAll('=', '')), MALFORMED],
    ['a wrapped key where none belongs', member(good, 'ek', () => 'AAAA'), MALFORMED],
    ['a number for a text', member(good, 'tag', () => 1), MALFORMED],
    ['a member twice', good.toString().replace('{', '{"alg":"SM4-GCM",'), MALFORMED],
    ['alg none', member(good, 'alg', () => 'none'), FOREIGN],
  ];
}

function ofCompact(terms: Terms): Case[] {
  const good = protect(terms, TEXT, 'text/xml');
  const bytes = (index: number, change: (bytes: Buffer) => Buffer): string =>
    part(good, index, (text) => recode(text, 'base64url', change));
  const header = (change: (header: Record<string, unknown>) => object): string =>
    bytes(0, (text) => Buffer.from(JSON.stringify(change(JSON.parse(text.toString()) as Record<string, unknown>))));
  return [
    ['a wrong tag', bytes(4, (tag) => flip(tag, 15)), FORGED],
    ['a wrong iv', bytes(2, (iv) => flip(iv, 0)), FORGED],
    ['wrong ciphertext', bytes(3, (ct) => flip(ct, 0)), FORGED],
    [
      'another header that means the same',
      header(({ alg, enc, kid, ...rest }) => ({ kid, enc, alg, ...rest })),
      FORGED,
    ],
    ['alg none', header((all) => ({ ...all, alg: 'none' })), FOREIGN],
    ['enc of a weaker cipher', header((all) => ({ ...all, enc: 'A128CBC-HS256' })), FOREIGN],
    ['a critical extension', header((all) => ({ ...all, crit: ['b64'] })), MALFORMED],
    ['typ of another profile', header((all) => ({ ...all, typ: 'JOSE' })), FOREIGN],
    ['a wrapped key where none belongs', part(good, 1, () => 'AAAA'), MALFORMED],
    ['four parts', good.toString().split('.').slice(0, 4).join('.'), MALFORMED],
    ['six parts', `${good.toString()}.AAAA`, MALFORMED],
    ['padding', part(good, 4, (text) => `${text}==`), MALFORMED],
    ['the other alphabet', part(good, 2, () => '++++////++++////'), MALFORMED],
    ['unused bits', part(good, 4, (text) => `${text.slice(0, -1)}${text.at(-1) === 'B' ? 'C' : 'B'}`), MALFORMED],
    ['a header beyond its bound', header((all) => ({ ...all, x: 'y'.repeat(5000) })), MALFORMED],
  ];
}

const HEADER_BYTES = 34 + `${KEY_ID}#1`.length;
const SEGMENT_BYTES = 12 + 256 + 16;

function ofSegments(terms: Terms): Case[] {
  const good = protect(terms, TEXT);
  const header = good.subarray(0, HEADER_BYTES);
  const segments: Buffer[] = [];
  for (let at = HEADER_BYTES; at < good.length; at += SEGMENT_BYTES)
    segments.push(good.subarray(at, at + SEGMENT_BYTES));
  const other = protect(terms, TEXT).subarray(HEADER_BYTES, HEADER_BYTES + SEGMENT_BYTES);
  const of = (...list: Buffer[]): Buffer => Buffer.concat([header, ...list]);
  const [first, second, third] = segments as [Buffer, Buffer, Buffer];
  return [
    ['segments in another order', of(second, first, third), FORGED],
    ['a segment missing in the middle', of(first, third), FORGED],
    ['the last segment missing', of(first, second), FORGED],
    ['the first segment missing', of(second, third), FORGED],
    ['a segment twice', of(first, first, second, third), FORGED],
    ['the last segment twice', of(first, second, third, third), FORGED],
    ['a segment of another message', of(other, second, third), FORGED],
    ['the header alone', header, FORGED],
    ['half a header', header.subarray(0, 30), MALFORMED],
    ['another segment size', Buffer.from(of(...segments)).fill(2, 8, 9), FORGED],
    ['a segment size of none', Buffer.from(of(...segments)).fill(0, 6, 10), MALFORMED],
    ['a segment size beyond the bound', Buffer.from(of(...segments)).fill(0xff, 6, 10), MALFORMED],
    ['another message id', flip(of(...segments), 12), FORGED],
    ['another version of the format', flip(of(...segments), 4), MALFORMED],
    ['another algorithm', Buffer.from(of(...segments)).fill(2, 5, 6), FOREIGN],
    ['lengths beyond the message', Buffer.from(of(...segments)).fill(0xff, 26, 34), MALFORMED],
    ['a wrong tag in the last segment', flip(of(...segments), -1), FORGED],
  ];
}

function casesOf(profile: Profile, terms: Terms): Case[] {
  const good = protect(terms, TEXT);
  switch (profile) {
    case 'fim-json':
      return [...general(profile, terms), ...ofFimJson(terms)];
    case 'compact':
      return [...general(profile, terms), ...ofCompact(terms)];
    case 'segmented':
      return [...general(profile, terms), ...ofSegments(terms)];
    case 'raw':
      return [
        ...general(profile, terms),
        ['a wrong tag', flip(good, -1), FORGED],
        ['a wrong iv', flip(good, 0), FORGED],
        ['27 bytes', Buffer.alloc(27), MALFORMED],
      ];
    case 'hex':
      return [
        ...general(profile, terms),
        ['a wrong tag', Buffer.from(flip(Buffer.from(good.toString(), 'hex'), -1).toString('hex')), FORGED],
        ['a letter that is no digit', `${good.toString().slice(0, -1)}g`, MALFORMED],
      ];
    default:
      return [
        ...general(profile, terms),
        ['a wrong tag', recode(good.toString(), 'base64', (bytes) => flip(bytes, -1)), FORGED],
        ['base64url', '-_-_'.repeat(20), MALFORMED],
      ];
  }
}

describe('one answer to everything that does not open', () => {
  for (const profile of PROFILES) {
    test(profile, () => {
      const terms = base(profile);
      const route = new ProtectedRoute(module, terms, 'Decrypt');
      assert.deepEqual(route.send(protect(terms, TEXT), {}).upstream.body, TEXT);
      const answers = new Set<string>();
      for (const [about, body, counter] of casesOf(profile, terms)) {
        const before = route.vm.counted(counter);
        const { client, upstream } = route.send(body, {});
        assert.ok(upstream.sawNothing, `${about}: reached the upstream`);
        assert.equal(client.status, 422, about);
        assert.equal(route.vm.counted(counter) - before, 1, `${about}: ${counter}`);
        answers.add(JSON.stringify([client.status, client.headers?.entries, client.body.toString()]));
      }
      assert.equal(answers.size, 1, [...answers].join('\n'));
      assert.match([...answers][0]!, /FIM-SM4-0002/);
      const lines = route.vm.logs.filter((entry) => entry.message.includes('open-refused'));
      assert.ok(lines.length >= 1 && lines.length < 10, `${lines.length} lines`);
      for (const entry of route.vm.logs)
        for (const secret of [
          '6222021234567890',
          keyOf('SM4-GCM').toString('hex'),
          keyOf('SM4-GCM').toString('base64'),
        ])
          assert.equal(entry.message.includes(secret), false);
      route.close();
    });
  }

  test('a response that does not open is a 502 with the same code', () => {
    const terms = base('compact');
    const route = new ProtectedRoute(module, terms, 'Decrypt', { direction: 'response' });
    const good = protect(terms, TEXT);
    assert.deepEqual(route.fetch(good, {}).client.body, TEXT);
    const answers = new Set(
      [flip(good, -1), Buffer.from('plain'), good.subarray(1)].map((body) => {
        const { client } = route.fetch(body, { 'x-upstream': 'shown' });
        return JSON.stringify([client.status, client.headers?.entries, client.body.toString()]);
      }),
    );
    assert.equal(answers.size, 1);
    assert.match([...answers][0]!, /^\[502.*FIM-SM4-0002/);
    assert.doesNotMatch([...answers][0]!, /x-upstream/);
    route.close();
  });

  test('a response that has lost its body is refused like one that does not open; one that has none by its status passes', () => {
    for (const [profile, stream, fields] of [
      ['fim-json', false],
      ['compact', false],
      ['raw', false],
      ['hex', false],
      ['segmented', false],
      ['segmented', true],
      ['compact', false, ['$.card']],
    ] as [Profile, boolean, string[]?][]) {
      const about = `${profile} ${stream} ${fields}`;
      const route = new ProtectedRoute(module, base(profile), 'Decrypt', {
        direction: 'response',
        stream,
        ...(fields === undefined ? {} : { fields }),
      });
      for (const status of [200, 201, 202, 206]) {
        const { client } = route.fetch('', {}, status);
        assert.equal(client.status, 502, `${about} ${status}`);
        assert.match(client.body.toString(), /FIM-SM4-0002/, about);
      }
      for (const status of [204, 205, 302, 304, 401, 404, 500, 503])
        assert.equal(route.fetch('', {}, status).client.status, status, about);
      assert.equal(route.fetch('', {}, 200, 'HEAD').client.status, 200, about);
      route.close();
    }
  });

  test('an answer without body to be encrypted passes', () => {
    const route = new ProtectedRoute(module, base('compact'), 'Encrypt', { direction: 'response' });
    assert.equal(route.fetch('', {}).client.status, 200);
    route.close();
  });

  test('what is larger than the route allows is refused before it is looked at', () => {
    const terms = base('raw');
    const route = new ProtectedRoute(module, terms, 'Decrypt', { maxBodyBytes: 1024 });
    assert.equal(route.send(protect(terms, Buffer.alloc(2000)), {}).client.status, 413);
    route.close();
  });

  test('a context of another route is refused, and so is none', () => {
    for (const profile of ['fim-json', 'compact', 'segmented'] as const) {
      const terms = { ...base(profile), context: 'branch-77' };
      const route = new ProtectedRoute(module, terms, 'Decrypt');
      const { context: _, ...without } = terms;
      const answers = new Set(
        [protect({ ...terms, context: 'branch-78' }, TEXT), protect(without, TEXT)].map((body) =>
          route.send(body, {}).client.body.toString(),
        ),
      );
      assert.equal(answers.size, 1);
      assert.match([...answers][0]!, /FIM-SM4-0002/);
      route.close();
    }
  });

  test('SM2: a wrapped key that does not open cannot be told from a wrong tag', () => {
    const terms: Terms = {
      algorithm: 'SM2-ENVELOPE',
      profile: 'fim-json',
      layout: 'C1C3C2',
      kid: `${KEY_ID}#1`,
      key: keyOf('SM2-ENVELOPE'),
    };
    const route = new ProtectedRoute(module, terms, 'Decrypt');
    const good = protect(terms, TEXT);
    const bad = ['ek', 'tag', 'ct', 'iv'].flatMap((name) =>
      [0, 40, 70, -1].map((at) =>
        member(good, name, (value) => recode(value, 'base64', (bytes) => flip(bytes, at < bytes.length ? at : -1))),
      ),
    );
    bad.push(
      member(good, 'ek', () => 'AAAA'),
      member(good, 'ek', () => Buffer.alloc(3000).toString('base64')),
    );
    const answers = new Set(
      bad.map((body) =>
        JSON.stringify([route.send(body, {}).client.status, route.send(body, {}).client.body.toString()]),
      ),
    );
    assert.equal(answers.size, 1);
    assert.equal(route.vm.counted(FORGED), bad.length * 2);
    assert.deepEqual(route.send(good, {}).upstream.body, TEXT);
    route.close();
  });

  test('where nothing names the key, the version before the newest still opens', () => {
    for (const profile of ['raw', 'hex', 'base64'] as const) {
      for (const fields of [undefined, ['$.a']]) {
        if (profile === 'raw' && fields !== undefined) continue;
        const route = new ProtectedRoute(module, base(profile), 'Decrypt', {
          versions: [1, 2, 3],
          ...(fields === undefined ? {} : { fields }),
        });
        for (const [version, status] of [
          [3, 200],
          [2, 200],
          [1, 422],
        ] as const) {
          const sealed = protect({ ...base(profile), key: keyOf('SM4-GCM', version) }, Buffer.from('5'));
          const body = fields === undefined ? sealed : Buffer.from(JSON.stringify({ a: sealed.toString() }));
          assert.equal(
            route.send(body, { 'content-type': 'application/json' }).client.status,
            status,
            `${profile} ${version}`,
          );
        }
        route.close();
      }
    }
  });

  test('a key of the KMS that is not for the algorithm', () => {
    const terms: Terms = { algorithm: 'AES-256-GCM', profile: 'raw', kid: `${KEY_ID}#1`, key: keyOf('AES-256-GCM') };
    const route = new ProtectedRoute(module, terms, 'Encrypt', { kmsAlgorithm: 'SM4-GCM' });
    const { client } = route.send('x', {});
    assert.equal(client.status, 503);
    assert.match(client.body.toString(), /FIM-KMS-0009/);
    route.close();
  });
});
