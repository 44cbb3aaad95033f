// The XML reader against its corpus, against expat and fast-xml-parser, and against random damage.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { XMLParser } from 'fast-xml-parser';
import { bestMs, caseCount, compileGuest, errorId, Random } from './guest.ts';
import { damageXml, randomXml } from './random-xml.ts';
import { type Field, fieldAt, type ReaderExports } from './xml-guest.ts';

interface Corpus {
  accept: { name: string; text?: string; hex?: string; tree: Field }[];
  reject: { name: string; text?: string; hex?: string; code: string; offset?: number }[];
}

const guest = await compileGuest<ReaderExports>('test/fuzz/xml');
const { exports } = guest;
const vectors = new URL('../vectors/', import.meta.url);
const corpus = JSON.parse(readFileSync(new URL('xml/syntax.json', vectors), 'utf8')) as Corpus;
const pacs008 = readFileSync(new URL('iso20022/pacs.008.001.08.xml', vectors), 'utf8');

/** Documents that the oracle is given at a time. */
const BATCH = 20_000;

function bytesOf({ text, hex }: { text?: string; hex?: string }): Uint8Array {
  return hex === undefined ? new TextEncoder().encode(text) : Uint8Array.from(Buffer.from(hex, 'hex'));
}

function parse(input: string | Uint8Array): number {
  return exports.parse(guest.put(input));
}

/** The root element, read through the tree. */
function root(): Field {
  const [, text, children] = fieldAt(guest, exports.root());
  assert.equal(text, null);
  assert.equal(children.length, 1);
  return children[0] as Field;
}

/** Trees that expat makes of the documents. Null for those that it refuses. */
function expat(documents: readonly string[]): (Field | null)[] {
  const input = documents.map((text) => Buffer.from(text).toString('base64')).join('\n');
  const script = fileURLToPath(new URL('xml-expat.py', import.meta.url));
  const { stdout, status, stderr } = spawnSync('python3', [script], {
    input: `${input}\n`,
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Field | null);
}

/** Whether expat may accept a text that the reader refuses: another version than 1.0, another encoding than UTF-8. */
function hasForeignDeclaration(text: string): boolean {
  return (
    /^<\?xml[^>]*\?>/.test(text) &&
    !/^<\?xml version=["']1\.0["'](\s+encoding=["']utf-8["'])?(\s+standalone=["'](yes|no)["'])?\s*\?>/i.test(text)
  );
}

describe('XML corpus', () => {
  for (const entry of corpus.accept) {
    it(`takes: ${entry.name}`, () => {
      assert.equal(parse(bytesOf(entry)), 0);
      assert.deepEqual(root(), entry.tree);
    });
  }
  for (const entry of corpus.reject) {
    it(`refuses: ${entry.name}`, () => {
      assert.equal(parse(bytesOf(entry)), errorId(entry.code));
      assert.equal(exports.root(), 0);
      if (entry.offset !== undefined) assert.equal(exports.errorOffset(), entry.offset);
    });
  }
});

describe('XML against other readers', () => {
  it('agrees with expat on random documents and on damaged ones', (t) => {
    const random = new Random(20022);
    const cases = caseCount(20_000);
    let valid = 0;
    for (let done = 0; done < cases; done += BATCH) {
      const documents = Array.from({ length: Math.min(BATCH, cases - done) }, () => {
        const text = randomXml(random, 3);
        return random.chance(50) ? damageXml(random, text) : text;
      });
      expat(documents).forEach((expected, i) => {
        const text = documents[i] as string;
        const error = parse(text);
        if (expected !== null && error !== 0 && hasForeignDeclaration(text)) return;
        assert.equal(error === 0, expected !== null, `${JSON.stringify(text)}: ${error} at ${exports.errorOffset()}`);
        if (expected === null) return;
        valid++;
        assert.deepEqual(root(), expected, JSON.stringify(text));
      });
    }
    t.diagnostic(`${valid} of ${cases} documents valid`);
    assert.ok(valid > cases / 4 && valid < cases * 0.95);
  });

  it('reads what fast-xml-parser reads from an ISO 20022 message', () => {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      preserveOrder: true,
      parseTagValue: false,
      parseAttributeValue: false,
      trimValues: false,
      ignoreDeclaration: true,
    });
    type Node = Record<string, unknown>;
    const convert = (node: Node): Field => {
      const name = Object.keys(node).find((key) => key !== ':@') as string;
      const inner = node[name] as Node[];
      const fields: Field[] = Object.entries((node[':@'] ?? {}) as Record<string, string>)
        .filter(([key]) => !key.startsWith('@xmlns:'))
        .map(([key, value]) => [key, value, []]);
      const elements = inner.filter((child) => !('#text' in child));
      const text = elements.length > 0 ? null : inner.map((child) => String(child['#text'])).join('');
      return [name, text, [...fields, ...elements.map(convert)]];
    };
    const [document] = (parser.parse(pacs008) as Node[]).filter((node) => !('#text' in node));
    assert.equal(parse(pacs008), 0);
    assert.deepEqual(root(), convert(document as Node));
  });
});

describe('XML under damage', () => {
  it('takes no beginning of a message', () => {
    const bytes = new TextEncoder().encode(pacs008.trimEnd());
    for (let length = 0; length < bytes.length; length++) {
      assert.notEqual(parse(bytes.subarray(0, length)), 0, `${length} bytes`);
      assert.ok(exports.errorOffset() <= length);
    }
    assert.equal(parse(bytes), 0);
  });

  it('neither traps nor grows on random bytes', (t) => {
    const random = new Random(7);
    const cases = caseCount(200_000);
    const alphabet = new TextEncoder().encode('<>/?!-[]CDATA&;#x"\'= :axmlns\n\r1');
    const bytes = new Uint8Array(96);
    const round = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const length = random.below(bytes.length);
        for (let k = 0; k < length; k++)
          bytes[k] = random.chance(95) ? (alphabet[random.below(alphabet.length)] as number) : random.below(256);
        parse(bytes.subarray(0, length));
      }
    };
    round(Math.min(cases, 2000));
    const { pages } = guest;
    round(cases);
    assert.equal(guest.pages, pages);
    t.diagnostic(`${cases} inputs, ${pages} pages`);
  });

  it('neither traps nor grows on damaged messages', () => {
    const random = new Random(8);
    const messages = [pacs008, randomXml(random, 4), randomXml(random, 4)];
    const round = (count: number): void => {
      for (let i = 0; i < count; i++) parse(damageXml(random, random.pick(messages)));
    };
    round(500);
    const { pages } = guest;
    round(Math.min(caseCount(5000), 100_000));
    assert.equal(guest.pages, pages);
  });

  it('takes texts at the very end of memory', () => {
    for (const text of [
      '<a/>',
      '<a>b</a>',
      '<a b="1"',
      '<abcdefgh',
      '<a><!--',
      '<a><![CDATA[',
      '<a>&amp',
      '<?xml version="1.0"',
      '<a></',
      '<a:',
      'x',
      '',
    ]) {
      const bytes = new TextEncoder().encode(text);
      exports.memory.grow(1);
      const end = exports.memory.buffer.byteLength;
      new Uint8Array(exports.memory.buffer).set(bytes, end - bytes.length);
      assert.equal(
        exports.parseAt(end - bytes.length, bytes.length) === 0,
        text === '<a/>' || text === '<a>b</a>',
        text,
      );
    }
  });
});

describe('XML in bounds', () => {
  it('takes no more than linear time for what is made to hurt', () => {
    const size = 1 << 20;
    const prefixes = Array.from({ length: 64 }, (_, i) => ` xmlns:p${i}="u${i}"`).join('');
    const texts = [
      '<a>'.repeat(size / 4),
      `<a>${'<b/>'.repeat(size / 4)}</a>`,
      `<a>${'&amp;'.repeat(size / 5)}</a>`,
      `<a>${'<!---->'.repeat(size / 8)}</a>`,
      `<a>${'<![CDATA[]]>'.repeat(size / 12)}</a>`,
      `<a>${'\r'.repeat(size)}</a>`,
      `<a>${']'.repeat(size)}</a>`,
      `<a>${'中'.repeat(size / 3)}</a>`,
      `<${'a'.repeat(size)}/>`,
      `<a b="${'&#10;'.repeat(size / 5)}"/>`,
      `<a>${`<b ${Array.from({ length: 60 }, (_, i) => `a${i}=""`).join(' ')}/>`.repeat(size / 420)}</a>`,
      `<a${prefixes}>${'<p0:b/>'.repeat(size / 8)}</a>`,
      ' '.repeat(size),
      `<!--${'-'.repeat(size)}`,
      `<a>${'&'.repeat(size)}`,
    ];
    for (const text of texts) {
      const length = guest.put(text);
      const took = bestMs(3, () => void exports.parse(length));
      assert.ok(took < 150, `${text.slice(0, 20)}…: ${took.toFixed(1)} ms`);
    }
  });

  it('numbers repeated elements in pointers, and stops before that takes long', () => {
    const count = 900_000;
    assert.equal(parse(`<r>${'<a/>'.repeat(count)}</r>`), 0);
    const pointer = (node: number): string => guest.text(exports.pointer(node), exports.pointerLength());
    const first = 3; // the message, r, then every a
    assert.equal(pointer(first), '/r/a/0');
    assert.equal(pointer(first + count - 1), `/r/a/${count - 1}`);
    for (let i = 2; i < 6; i++) pointer(first + count - i);
    assert.equal(pointer(first + count - 9), '/r/a');
    assert.equal(parse(`<r>${'<a/>'.repeat(3)}</r>`), 0);
    assert.equal(pointer(first + 1), '/r/a/1');
  });

  it('refuses more levels, nodes, attributes and namespaces than it has room for', () => {
    const nested = (levels: number): string => '<a>'.repeat(levels) + '</a>'.repeat(levels);
    assert.equal(parse(nested(128)), 0);
    assert.equal(parse(nested(129)), errorId('FIM-XML-0009'));
    const withAttributes = (count: number): string =>
      `<a ${Array.from({ length: count }, (_, i) => `b${i}=""`).join(' ')}/>`;
    assert.equal(parse(withAttributes(64)), 0);
    assert.equal(parse(withAttributes(65)), errorId('FIM-XML-0010'));
    const declared = (count: number): string =>
      '<a>'.repeat(0) + Array.from({ length: count }, (_, i) => `<a xmlns:p${i}="u">`).join('') + '</a>'.repeat(count);
    assert.equal(parse(declared(64)), 0);
    assert.equal(parse(declared(65)), errorId('FIM-XML-0010'));
    const withElements = (count: number): string => `<a>${'<b/>'.repeat(count)}</a>`;
    assert.equal(parse(withElements(999_998 - 1)), 0);
    assert.equal(parse(withElements(1_000_000)), errorId('FIM-XML-0010'));
  });
});
