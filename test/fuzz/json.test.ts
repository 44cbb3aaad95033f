// The JSON index against its corpus, against JSON.parse, and against random damage.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorId, Random } from './guest.ts';
import { type JsonExports, valueAt } from './json-guest.ts';
import { randomJson } from './random-json.ts';

interface Corpus {
  accept: { name: string; text: string }[];
  reject: { name: string; text?: string; hex?: string; code: string; offset?: number }[];
}

const guest = await compileGuest<JsonExports>('test/fuzz/json');
const { exports } = guest;
const corpus = JSON.parse(readFileSync(new URL('../vectors/json/syntax.json', import.meta.url), 'utf8')) as Corpus;

/** JSON.parse, made as strict: null if it refuses the bytes, or if they hold what it lets pass. */
function strictParse(bytes: Uint8Array): { value: unknown } | null {
  let duplicate = false;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    const stack: { keys: Set<string> | null }[] = [];
    for (const token of text.match(/"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]/gs) ?? []) {
      if (token === '{' || token === '[') stack.push({ keys: token === '{' ? new Set() : null });
      else if (token === '}' || token === ']') stack.pop();
      else {
        if (!(JSON.parse(token.replace(/\s*:$/, '')) as string).isWellFormed()) return null;
        if (!token.endsWith(':')) continue;
        const keys = stack.at(-1)?.keys;
        const key = JSON.parse(token.replace(/\s*:$/, '')) as string;
        if (keys?.has(key)) duplicate = true;
        keys?.add(key);
      }
    }
    return duplicate ? null : { value };
  } catch {
    return null;
  }
}

function parse(input: string | Uint8Array): number {
  return exports.parse(guest.put(input));
}

describe('JSON corpus', () => {
  for (const { name, text } of corpus.accept) {
    it(`takes: ${name}`, () => {
      assert.equal(parse(text), 0);
      assert.deepEqual(valueAt(guest, exports.root()), JSON.parse(text));
    });
  }
  for (const { name, text, hex, code, offset } of corpus.reject) {
    it(`refuses: ${name}`, () => {
      const bytes = hex === undefined ? new TextEncoder().encode(text) : Uint8Array.from(Buffer.from(hex, 'hex'));
      assert.equal(parse(bytes), errorId(code));
      assert.equal(exports.root(), 0);
      if (offset !== undefined) assert.equal(exports.errorOffset(), offset);
    });
  }
});

describe('JSON against JSON.parse', () => {
  it('agrees on random documents and on damaged ones', (t) => {
    const random = new Random(99);
    const cases = caseCount(100_000);
    let valid = 0;
    const encoder = new TextEncoder();
    for (let i = 0; i < cases; i++) {
      let bytes: Uint8Array = encoder.encode(randomJson(random, 5));
      for (let hits = random.chance(60) ? 1 + random.below(3) : 0; hits > 0; hits--) bytes = damage(random, bytes);
      const expected = strictParse(bytes);
      const error = parse(bytes);
      const shown = (): string =>
        `${JSON.stringify(Buffer.from(bytes).toString())} (${Buffer.from(bytes).toString('hex')}): ${error}`;
      assert.equal(error === 0, expected !== null, shown());
      if (expected === null) {
        assert.ok(exports.errorOffset() <= bytes.length, shown());
        continue;
      }
      valid++;
      assert.deepEqual(valueAt(guest, exports.root()), expected.value, shown());
    }
    t.diagnostic(`${valid} of ${cases} documents valid`);
    assert.ok(valid > cases / 4 && valid < (cases * 3) / 4);
  });

  it('neither traps nor grows on random bytes', (t) => {
    const random = new Random(5);
    const cases = caseCount(200_000);
    const alphabet = new TextEncoder().encode('{}[]",:\\u0019eE+-. \n\ttruefalsn/bdDcC');
    const bytes = new Uint8Array(96);
    const round = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const length = random.below(bytes.length);
        for (let k = 0; k < length; k++)
          bytes[k] = random.chance(95) ? (alphabet[random.below(alphabet.length)] as number) : random.below(256);
        if (parse(bytes.subarray(0, length)) === 0) assert.notEqual(strictParse(bytes.subarray(0, length)), null);
      }
    };
    round(Math.min(cases, 2000));
    const { pages } = guest;
    round(cases);
    assert.equal(guest.pages, pages);
    t.diagnostic(`${cases} inputs, ${pages} pages`);
  });

  it('takes texts at the very end of memory', () => {
    for (const text of ['[1,"abc"]', '{"a":"b"}', '"unterminated', '12', '[tru', '["\\u00', '{"k"', '']) {
      const bytes = new TextEncoder().encode(text);
      exports.memory.grow(1);
      const end = exports.memory.buffer.byteLength;
      new Uint8Array(exports.memory.buffer).set(bytes, end - bytes.length);
      assert.equal(exports.parseAt(end - bytes.length, bytes.length) === 0, strictParse(bytes) !== null, text);
    }
  });
});

/** Changes, drops, doubles or inserts a few bytes. */
function damage(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const kind = random.below(5);
  if (kind === 0) return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1 + random.below(3))]);
  if (kind === 1) return Uint8Array.from([...bytes.slice(0, at), random.below(256), ...bytes.slice(at)]);
  if (kind === 2) return bytes.slice(0, at);
  if (kind === 3)
    return Uint8Array.from([
      ...bytes.slice(0, at),
      ...bytes.slice(Math.max(0, at - random.below(12)), at),
      ...bytes.slice(at),
    ]);
  const copy = Uint8Array.from(bytes);
  if (at < copy.length)
    copy[at] = random.pick([0, 10, 34, 44, 58, 91, 92, 93, 123, 125, 0x80, 0xc0, 0xed, 0xff, random.below(256)]);
  return copy;
}

describe('JSON in bounded time', () => {
  const parseMs = (text: string): number => {
    const length = guest.put(text);
    return bestMs(3, () => void exports.parse(length));
  };

  it('takes no more than linear time for what is made to hurt', () => {
    const size = 1 << 20;
    const texts = [
      '['.repeat(size),
      `[${'[],'.repeat(size / 3)}0]`,
      `"${'\\u0041'.repeat(size / 6)}"`,
      `"${'\\ud83d\\ude00'.repeat(size / 12)}"`,
      ' '.repeat(size),
      `[${'1'.repeat(size)}]`,
      `{${Array.from({ length: 80_000 }, (_, i) => `"key${i}":0`).join(',')}}`,
      `{${Array.from({ length: 1000 }, (_, i) => `"${'k'.repeat(1000)}${i}":0`).join(',')}}`,
      `"${'中'.repeat(size / 3)}"`,
      `[${'\n'.repeat(size)}]`,
      `[${'\n \t'.repeat(size / 3)}]`,
    ];
    for (const text of texts) {
      const took = parseMs(text);
      assert.ok(took < 150, `${text.slice(0, 20)}…: ${took.toFixed(1)} ms`);
    }
  });

  it('is not made quadratic by names whose hashes collide', (t) => {
    const names: string[] = [];
    for (let from = 0; names.length < 6000; from++) {
      from = exports.nextCollision(from, 0x3fff);
      names.push(guest.text(exports.room(8), 8));
    }
    const text = `{${names.map((name) => `"${name}":0`).join(',')}}`;
    const took = parseMs(text);
    assert.equal(parse(text), 0);
    assert.equal(parse(`${text.slice(0, -1)},"${names[77]}":1}`), errorId('FIM-JSON-0006'));
    t.diagnostic(`${names.length} colliding names: ${took.toFixed(1)} ms`);
    assert.ok(took < 60, `${took.toFixed(1)} ms`);
  });
});
