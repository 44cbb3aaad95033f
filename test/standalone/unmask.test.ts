// `fim unmask`: opens what its key opens, notes who did it and why, and does nothing that cannot be noted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import type { CipherGCMTypes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { Trail } from '../../envoy/standalone/trail.ts';
import { unmask, type UnmaskTerms } from '../../envoy/standalone/unmask.ts';
import { fim } from './command.ts';

const SM4 = randomBytes(16);
const AES = randomBytes(32);
/** Key of GmSSL's published example, and that of NIST's FF1 sample 9. */
const FF1 = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex');
const FF1_AES = Buffer.from('2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94', 'hex');
const VALUE = '张三丰6222021234567894';

function token(key: Buffer, value: string, version = 1): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv((key.length === 16 ? 'sm4-gcm' : 'aes-256-gcm') as CipherGCMTypes, key, iv);
  cipher.setAAD(Buffer.from('fim mask token'));
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(version);
  return `fimt1.${Buffer.concat([head, iv, sealed, cipher.getAuthTag()]).toString('base64url')}`;
}

describe('unmask', () => {
  const kms = new DevelopmentKms({ token: () => 's.token' });
  let folder: string;
  let url: URL;
  let trail: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fim-unmask-test-'));
    trail = join(folder, 'trail');
    writeFileSync(join(folder, 'token'), 's.token\n');
    url = await kms.start();
    kms.register.create('mask/sm4', 'SM4', { material: Buffer.from(SM4) });
    kms.register.create('mask/aes', 'AES-256', { material: Buffer.from(AES) });
    kms.register.create('mask/ff1', 'SM4', { material: Buffer.from(FF1) });
    kms.register.create('mask/ff1-aes', 'AES-256', { material: Buffer.from(FF1_AES) });
  });
  after(async () => {
    await kms.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (input: string, ...args: string[]): ReturnType<typeof fim> => {
    const given = [
      '--kms',
      url.href,
      '--kms-token-file',
      join(folder, 'token'),
      '--reason',
      'case 4711',
      '--trail',
      trail,
    ];
    return fim(['unmask', ...given, ...args], { input });
  };
  const lines = (): Record<string, unknown>[] =>
    readFileSync(trail, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('tokens open under either cipher, and the trail says who, when, which key and why, but no value', async () => {
    const masked = token(SM4, VALUE);
    const opened = await run(`${masked}\n`, '--key', 'kms://mask/sm4');
    assert.equal(opened.stdout, `${VALUE}\n`, opened.stderr);
    const [asked, done] = lines();
    assert.deepEqual([asked!.outcome, done!.outcome, lines().length], ['asked', 'opened', 2]);
    for (const entry of [asked!, done!]) {
      assert.equal(entry.user, userInfo().username);
      assert.deepEqual(
        [entry.key, entry.kind, entry.algorithm, entry.reason],
        ['kms://mask/sm4#1', 'Token', 'SM4-GCM', 'case 4711'],
      );
      assert.ok(Math.abs(Date.parse(String(entry.time)) - Date.now()) < 600_000);
    }
    assert.equal(statSync(trail).mode & 0o777, 0o600);
    const other = await run(token(AES, VALUE), '--key', 'kms://mask/aes#1', '--algorithm', 'AES-256-GCM');
    assert.equal(other.stdout, `${VALUE}\n`, other.stderr);
    assert.equal(lines().length, 4);
    const text = readFileSync(trail, 'utf8');
    for (const secret of [VALUE, '6222021234567894', masked, SM4.toString('hex')]) assert.ok(!text.includes(secret));
  });

  test('values of FF1 are turned back: published examples, and with what a rule leaves', async () => {
    const ff1 = ['--algorithm', 'FF1-SM4', '--key', 'kms://mask/ff1#1', '--tweak', '9876543210'];
    assert.equal((await run('2326982895499381', ...ff1)).stdout, '6226090102675688\n');
    const aes = ['--algorithm', 'FF1-AES-256', '--key', 'kms://mask/ff1-aes#1', '--tweak', '7777pqrs777'];
    const opened = await run('XS8A0AZH2AVYALYZUWD', ...aes, '--alphabet', 'Upper');
    assert.equal(opened.stdout, '0123456789ABCDEFGHI\n', opened.stderr);
    assert.ok(lines().every((entry) => entry.kind !== 'FormatPreserving' || entry.token === undefined));
  });

  test('a record does not become a part of a line that a crash broke off', async () => {
    const cut = join(folder, 'cut');
    writeFileSync(cut, '{"time":"2026-11-30T00:00:00.000Z","user":"some', { mode: 0o600 });
    for (const about of ['first', 'second']) new Trail(cut).note({ action: about });
    const lines = readFileSync(cut, 'utf8').split('\n');
    assert.deepEqual(
      lines.slice(1, 3).map((line) => (JSON.parse(line) as { action: string }).action),
      ['first', 'second'],
    );
    assert.equal(lines.length, 4);
    assert.equal(lines[3], '');
  });

  test('nothing opens without a reason, a trail that takes it, a key, or the KMS’s leave', async () => {
    const masked = token(SM4, VALUE);
    const key = ['--key', 'kms://mask/sm4'];
    mkdirSync(join(folder, 'dir'));
    symlinkSync(trail, join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const [args, code] of [
      [['--reason', ' '], 'FIM-UP-0020'],
      [['--reason', 'two\nlines'], 'FIM-UP-0020'],
      [['--trail', join(folder, 'dir')], 'FIM-UP-0050'],
      [['--trail', join(folder, 'absent', 'trail')], 'FIM-UP-0050'],
      [['--trail', join(folder, 'link')], 'FIM-UP-0050'],
      [['--trail', join(folder, 'pipe')], 'FIM-UP-0050'],
      [['--trail', '/dev/null'], 'FIM-UP-0050'],
      [['--trail', '/dev/full'], 'FIM-UP-0050'],
    ] as const) {
      const refused = await run(masked, ...key, ...args);
      assert.ok(refused.stderr.includes(code), `${args.join(' ')}: ${refused.stderr}`);
      assert.equal(refused.stdout, '');
      assert.notEqual(refused.status, 0);
    }
    const missing = await fim(['unmask', '--kms', url.href, '--key', 'kms://mask/sm4', '--trail', trail], {
      input: masked,
    });
    assert.match(missing.stderr, /--reason/);
    const before = lines().length;
    const denied = await fim(['unmask', '--kms', url.href, ...key, '--reason', 'case 4711', '--trail', trail], {
      input: masked,
    });
    assert.match(denied.stderr, /FIM-KMS-0008/);
    assert.deepEqual(
      lines()
        .slice(before)
        .map(({ outcome, code }) => [outcome, code]),
      [
        ['asked', undefined],
        ['failed', 'FIM-KMS-0008'],
      ],
    );
  });

  test('what does not open says so, and not why in detail', async () => {
    const masked = token(SM4, VALUE);
    const access = { url, credentials: { tokenFile: join(folder, 'token') } };
    const ff1: Partial<UnmaskTerms> = { algorithm: 'FF1-SM4', key: 'kms://mask/ff1#1' };
    for (const [input, terms] of [
      [`${masked.slice(0, -2)}AA`, {}],
      [token(randomBytes(16), VALUE), {}],
      [masked, { key: 'kms://mask/sm4#2' }],
      ['fimt1.AAAA', {}],
      ['hello', {}],
      ['', {}],
      ['12345', ff1],
      ['X-2326982895499381-Y', ff1],
    ] as const)
      await assert.rejects(
        unmask(input, { algorithm: 'SM4-GCM', key: 'kms://mask/sm4', ...terms }, access),
        (error) => error instanceof CodedError && error.code === 'FIM-UP-0051',
        input,
      );
    await assert.rejects(
      unmask('2326982895499381', { algorithm: 'FF1-SM4', key: 'kms://mask/ff1' }, access),
      /version/,
    );
    const terms: UnmaskTerms = { algorithm: 'FF1-SM4', key: 'kms://mask/ff1#1', tweak: '9876543210' };
    assert.equal(await unmask('2326-9828 9549-9381', terms, access), '6226-0901 0267-5688');
  });
});
