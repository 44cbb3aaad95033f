// The canonical form of paths: one set of vectors, and random paths, for the modules (paths of requests) and for
// `envoy/route` (paths of routes).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { canonicalPath } from '../../envoy/route/canonical-path.ts';
import { bestMs, caseCount, compileGuest, type GuestExports, Random } from './guest.ts';

interface IdentityExports extends GuestExports {
  canonical(length: number): number;
  canonicalAt(): number;
  isRewritten(): number;
  isHost(length: number): number;
  readMany(length: number, times: number): number;
}

interface PathVector {
  path: string;
  canonical: string | null;
  why: string;
}

const VECTORS = join(import.meta.dirname, '../vectors');
const PATHS = JSON.parse(readFileSync(join(VECTORS, 'canonical-paths.json'), 'utf8')) as PathVector[];
const HOSTS = JSON.parse(readFileSync(join(VECTORS, 'request-hosts.json'), 'utf8')) as Record<
  'valid' | 'invalid',
  string[]
>;
const guest = await compileGuest<IdentityExports>('test/fuzz/identity');
const { exports } = guest;

function guestCanonical(path: string): string | undefined {
  const length = exports.canonical(guest.put(path));
  return length < 0 ? undefined : Buffer.from(exports.memory.buffer, exports.canonicalAt(), length).toString('latin1');
}

/** Pieces of which a path is put together at random: what is plain, what is spelt otherwise, and what is refused. */
const PIECES = [
  '/',
  '/',
  '/',
  'a',
  'B',
  '.',
  '..',
  ';',
  ':',
  '%3A',
  '%2e',
  '%2E',
  '%7e',
  '%41',
  '%e4',
  '%E4',
  '%2F',
  '%00',
  '%',
  '%4',
  '|',
  '支',
  '%25',
  '%20',
  '=',
  '\\',
  '~',
];

describe('canonical paths', () => {
  it('are the same for requests and for routes, as the vectors say', () => {
    for (const { path, canonical, why } of PATHS) {
      assert.equal(guestCanonical(path), canonical ?? undefined, `request ${JSON.stringify(path)}: ${why}`);
      assert.equal(canonicalPath(path), canonical ?? undefined, `route ${JSON.stringify(path)}: ${why}`);
      if (canonical !== null)
        assert.equal(guestCanonical(canonical), canonical, 'a canonical path is its own canonical form');
    }
  });

  it('are the same for each byte and each escape', () => {
    for (let byte = 0; byte < 256; byte++) {
      const digits = byte.toString(16).padStart(2, '0');
      for (const text of [
        `%${digits}`,
        `%${digits.toUpperCase()}`,
        ...(byte < 128 && byte !== 0x3f ? [String.fromCharCode(byte)] : []),
      ]) {
        assert.equal(guestCanonical(`/a${text}b`), canonicalPath(`/a${text}b`), JSON.stringify(text));
      }
    }
  });

  it('are the same for random paths, and do not change when they are read again', (t) => {
    const random = new Random(11);
    let refused = 0;
    const cases = caseCount(40_000);
    for (let i = 0; i < cases; i++) {
      let path = random.chance(95) ? '/' : '';
      for (let n = random.below(12); n > 0; n--) path += random.pick(PIECES);
      const canonical = canonicalPath(path);
      assert.equal(guestCanonical(path), canonical, JSON.stringify(path));
      if (canonical === undefined) {
        refused++;
        continue;
      }
      assert.equal(
        exports.isRewritten() !== 0,
        Buffer.from(path).toString('latin1') !== canonical,
        JSON.stringify(path),
      );
      assert.equal(canonicalPath(canonical), canonical, JSON.stringify(path));
    }
    t.diagnostic(`${refused} of ${cases} random paths have no canonical form`);
    assert.ok(refused > cases / 10 && refused < cases * 0.9);
  });

  it('end before the query, which is not looked at', () => {
    for (const query of ['?', '?a=%zz', '?a=b#c', '?a=%2F;//..\\'])
      assert.equal(guestCanonical(`/a%3Ab${query}`), '/a:b');
    assert.equal(guestCanonical('/a%3?b'), undefined, 'an escape does not reach into the query');
  });

  it('cost one look at each byte if they are canonical already', (t) => {
    const nanos = (path: string): number => {
      const length = guest.put(path);
      return (bestMs(5, () => void exports.readMany(length, 20_000)) / 20_000) * 1e6;
    };
    t.diagnostic(
      `canonical: ${nanos('/v1/accounts:transfer').toFixed(0)} ns for 21 bytes, ${nanos('/%E6%94%AF%E4%BB%98/%E8%BD%AC%E8%B4%A6').toFixed(0)} ns for 38 bytes of escapes`,
    );
  });
});

describe('hosts of requests', () => {
  it('are one valid host or refused', () => {
    for (const host of HOSTS.valid) assert.ok(exports.isHost(guest.put(host)), JSON.stringify(host));
    for (const host of HOSTS.invalid) assert.ok(!exports.isHost(guest.put(host)), JSON.stringify(host));
  });
});
