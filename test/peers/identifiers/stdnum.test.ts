// Check digits by another implementation: python-stdnum judges thousands of numbers, right ones and ones with a
// character changed, and so does the validator.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compileGuest, Random, type GuestExports } from '../../fuzz/guest.ts';

const CACHE = join(homedir(), '.cache/fim/identifier-peers');
const WHEEL = 'python-stdnum==2.2';
const SET_UP_MS = 300_000;
const CASES = 4_000;

interface ValidatorExports extends GuestExports {
  configure(length: number): number;
  judge(length: number): number;
}

/** Numbers that begin right, and what their characters may become. */
const SEEDS: Record<string, { right: string[]; alphabet: string }> = {
  Luhn: { right: ['6222021234567894', '4222222222222', '6200000000000000000'], alphabet: '0123456789' },
  Gb11643: { right: ['11010519491231002X', '360426199101010071'], alphabet: '0123456789X' },
  Uscc: {
    right: ['91110000600037341L', '914403001922038216', '91440300708461136T'],
    alphabet: '0123456789ABCDEFGHJKLMNPQRTUWXYIOSVZ',
  },
  Iban: {
    right: [
      'GB29NWBK60161331926819',
      'DE89370400440532013000',
      'NO9386011117947',
      'MT84MALT011000012345MTLCAST001S',
      'FR1420041010050500013M02606',
    ],
    alphabet: '0123456789ABCXYZ',
  },
  Lei: {
    right: ['5493001KJTIIGC8Y1R12', '7LTWFZYICNSX8D621K86', '300300C1092233000010'],
    alphabet: '0123456789ABCXYZ',
  },
};

function pythonWithStdnum(): string {
  const folder = join(CACHE, 'stdnum');
  const python = join(folder, 'bin/python');
  const run = (command: string, args: string[]): void => {
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  if (existsSync(python) && spawnSync(python, ['-c', 'import stdnum']).status === 0) return python;
  mkdirSync(CACHE, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', WHEEL]);
  return python;
}

function changed(random: Random, text: string, alphabet: string): string {
  const at = random.below(text.length);
  const way = random.below(10);
  if (way < 6) return text.slice(0, at) + alphabet[random.below(alphabet.length)] + text.slice(at + 1);
  if (way < 9 && at > 0) return text.slice(0, at - 1) + text[at] + text[at - 1] + text.slice(at + 1);
  return text.slice(0, at) + text.slice(at + 1);
}

describe('python-stdnum', () => {
  it('says the same of every number', { timeout: SET_UP_MS }, async (t) => {
    const random = new Random(11643);
    const cases = Object.entries(SEEDS).flatMap(([check, { right, alphabet }]) =>
      Array.from({ length: CASES }, () => {
        let text = random.pick(right);
        for (let changes = random.below(3); changes > 0; changes--) text = changed(random, text, alphabet);
        return { check, text };
      }),
    );
    const input = `${cases.map(({ check, text }) => `${check} ${text}`).join('\n')}\n`;
    const { stdout, status, stderr } = spawnSync(pythonWithStdnum(), [join(import.meta.dirname, 'stdnum-oracle.py')], {
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.equal(status, 0, stderr);
    const theirs = stdout.trim().split('\n');
    const guest = await compileGuest<ValidatorExports>('test/fuzz/validator');
    let configured = '';
    let right = 0;
    cases.forEach(({ check, text }, index) => {
      if (configured !== check)
        assert.equal(guest.exports.configure(guest.put(JSON.stringify({ rules: [{ path: '$', check }] }))), 0);
      configured = check;
      const ours = guest.exports.judge(guest.put(JSON.stringify(text))) === 0;
      if (!differs(check, text)) assert.equal(ours, theirs[index] === '1', `${check} ${text}`);
      if (ours) right++;
    });
    t.diagnostic(`${cases.length} numbers, ${right} right`);
    assert.ok(right > cases.length / 10 && right < cases.length / 2);
  });
});

/**
 * Known differences: stdnum knows the counties of GB/T 2260 and the past, accepts identity numbers of 15 digits, no
 * letters in the first places of a credit code, country-specific letters in account numbers, and LEI of any length.
 */
function differs(check: string, text: string): boolean {
  if (check === 'Gb11643')
    return (
      text.length !== 18 ||
      !KNOWN_REGIONS.has(text.slice(0, 6)) ||
      Number(text.slice(6, 10)) < 1850 ||
      Number(text.slice(6, 10)) > 2020
    );
  if (check === 'Iban') return !ACCOUNTS.test(text);
  if (check === 'Lei') return !/^[0-9A-Z]{18}[0-9]{2}$/.test(text);
  return check === 'Uscc' && !/^[0-9]{8}/.test(text);
}

const KNOWN_REGIONS = new Set(['110105', '360426']);
const ACCOUNTS =
  /^(DE\d{20}|GB\d{2}[A-Z]{4}\d{14}|NO\d{13}|MT\d{2}[A-Z]{4}\d{5}[0-9A-Z]{18}|FR\d{12}[0-9A-Z]{11}\d{2})$/;
