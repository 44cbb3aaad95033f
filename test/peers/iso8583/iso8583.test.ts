// ISO 8583 with pyiso8583 as the other side: random messages of every specification both ways, and damage that both
// refuse.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readSpecification, type SpecFile } from '../../../scripts/generate/iso-specs.ts';
import { compileGuest, Random } from '../../fuzz/guest.ts';
import { ASCII, DEFAULT, Encoder, FORMATS, type IsoExports, type Style, use } from '../../fuzz/iso8583-encoder.ts';
import { type Field, fieldsOf } from '../../fuzz/tree-guest.ts';
import { Oracle } from '../sm2/oracles.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CACHE = join(homedir(), '.cache/fim/iso8583-peers');
const PACKAGE = 'pyiso8583==4.0.1';
const SET_UP_MS = 300_000;
const ROUNDS = 600;
const guest = await compileGuest<IsoExports>('test/fuzz/iso8583');
const { exports } = guest;

/** Path of a Python that has pyiso8583. */
function pythonWithPeer(): string {
  const python = join(CACHE, 'venv/bin/python');
  if (existsSync(python) && spawnSync(python, ['-c', 'import iso8583']).status === 0) return python;
  mkdirSync(CACHE, { recursive: true });
  for (const [command, args] of [
    ['python3', ['-m', 'venv', 'venv']],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE]],
  ] as const) {
    const result = spawnSync(command, args, { encoding: 'utf8', cwd: CACHE });
    if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
  }
  return python;
}

/** Elements of a specification with those that it extends. */
function elementsOf(spec: SpecFile): SpecFile['elements'] {
  const base = spec.extends === undefined ? [] : readSpecification(ROOT, spec.extends).elements;
  const own = new Map([...base, ...spec.elements].map((row) => [row.element, row]));
  return [...own.values()].filter((row) => row.element <= 128);
}

interface PeerRules {
  data_enc: string;
  len_enc: string;
  len_type: number;
  max_len: number;
  len_count?: string;
  left_pad?: string;
}

/** The same in pyiso8583's words. */
function peerRules(row: SpecFile['elements'][number], style: Style): PeerRules {
  const text = style.text === 'Ebcdic' ? 'cp037' : 'ascii';
  const lengths = style.lengths === 'Bcd' ? 'bcd' : text;
  const digits = ['Fixed', 'L', 'LL', 'LLL', 'LLLL'].indexOf(row.prefix ?? 'Fixed');
  // In BCD it counts the bytes of the prefix.
  const rules = { len_enc: lengths, len_type: lengths === 'bcd' ? Math.ceil(digits / 2) : digits, max_len: row.length };
  if (row.format === 'b') return { data_enc: 'b', ...rules };
  const packed = style.digits === 'Bcd' && (row.format === 'n' || row.format === 'z');
  return packed ? { data_enc: 'b', ...rules, len_count: 'nibbles', left_pad: '0' } : { data_enc: text, ...rules };
}

function randomValue(random: Random, row: SpecFile['elements'][number]): string {
  const units = row.prefix === undefined ? row.length : random.below(Math.min(row.length, 60) + 1);
  const from = (letters: string, count: number): string =>
    Array.from({ length: count }, () => random.pick([...letters])).join('');
  if (row.format === 'n' || row.format === 'z') return from('0123456789', units);
  if (row.format === 'b') return from('0123456789ABCDEF', units * 2);
  return row.format === 'x+n'
    ? from('CD', 1) + from('0123456789', units - 1)
    : from(row.format === 'a' ? 'ABCXYZ' : 'ABCXYZ0129 ', units);
}

const EBCDIC: Partial<Style> = {
  messageType: 'Ebcdic',
  lengths: 'Ebcdic',
  digits: 'Ebcdic',
  text: 'Ebcdic',
  track: 'Ebcdic',
};
const PACKED: Partial<Style> = { lengths: 'Bcd', digits: 'Bcd', track: 'Bcd' };

describe('ISO 8583 with pyiso8583', () => {
  let oracle: Oracle;
  before(
    () => {
      oracle = new Oracle(pythonWithPeer(), [join(import.meta.dirname, 'pyiso8583-oracle.py')]);
    },
    { timeout: SET_UP_MS },
  );
  after(() => oracle.end());
  const ask = async (question: object): Promise<{ result?: unknown; error?: string }> =>
    JSON.parse(await oracle.ask(JSON.stringify(question))) as { result?: unknown; error?: string };

  for (const spec of ['iso8583-1987', 'iso8583-1993', 'iso8583-2003', 'unionpay-switch']) {
    for (const [name, parts] of [
      ['ASCII', {}],
      ['EBCDIC', EBCDIC],
      ['digits and lengths in BCD', PACKED],
    ] as const) {
      it(`${spec}, ${name}: both ways`, async (t) => {
        const random = new Random(spec.length * 31 + name.length);
        const style: Style = { ...ASCII, ...parts, spec };
        const rows = elementsOf(readSpecification(ROOT, spec)).filter(
          (row) => !(row.format === 'x+n' && style.digits === 'Bcd'),
        );
        use(exports, style);
        exports.define(55, FORMATS.indexOf('b'), 3, 255, DEFAULT, DEFAULT, 0, 0);
        const elements = Object.fromEntries(rows.map((row) => [String(row.element), peerRules(row, style)]));
        assert.deepEqual(await ask({ op: 'use', elements, text: style.text === 'Ebcdic' ? 'cp037' : 'ascii' }), {
          result: true,
        });
        const type = `${spec.endsWith('1993') ? 1 : spec.endsWith('2003') ? 2 : 0}200`;
        let refused = 0;
        for (let i = 0; i < ROUNDS; i++) {
          const values: Record<string, string> = {};
          for (let n = random.below(14); n >= 0; n--) {
            const row = random.pick(rows);
            values[row.element] = randomValue(random, row);
          }
          const ours = new Encoder(guest, style).message(type, values);
          const theirs = await ask({ op: 'encode', elements: { t: type, ...values } });
          assert.equal(theirs.result, Buffer.from(ours).toString('hex'), `${theirs.error} ${JSON.stringify(values)}`);
          assert.equal(
            exports.parse(guest.put(ours)),
            0,
            `element ${exports.errorElement()} of ${JSON.stringify(values)}`,
          );
          const read = Object.fromEntries(
            (fieldsOf(guest, exports.root()) as Field[]).map(([key, value]) => [
              key === 'MTI' ? 't' : key.slice(2),
              value as string,
            ]),
          );
          assert.deepEqual(read, (await ask({ op: 'decode', message: theirs.result })).result);
          // Bytes beyond ASCII are names in GBK here, and no text there.
          const byte = random.below(style.text === 'Ascii' ? 128 : 256);
          const damaged = random.chance(50)
            ? ours.slice(0, random.below(ours.length))
            : ours.with(random.below(ours.length), byte);
          const verdict = await ask({ op: 'decode', message: Buffer.from(damaged).toString('hex') });
          if (verdict.error === undefined) continue;
          refused++;
          assert.notEqual(
            exports.parse(guest.put(damaged)),
            0,
            `${verdict.error}: ${Buffer.from(damaged).toString('hex')}`,
          );
        }
        t.diagnostic(`${ROUNDS} messages; ${refused} damaged ones refused by both`);
        assert.ok(refused > ROUNDS / 4);
      });
    }
  }
});
