// npm run mesh, as a person uses it: what it prints works, and Ctrl-C leaves nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const START_MS = 300_000;

it('npm run mesh: the printed lines do what they say, and an end leaves nothing', { timeout: SET_UP_MS }, async (t) => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'test/mesh/play.ts'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const waitFor = (pattern: RegExp): Promise<RegExpExecArray> =>
    until(
      `it says ${pattern}`,
      () => {
        if (child.exitCode !== null) throw new Error(said);
        return pattern.exec(said) ?? undefined;
      },
      START_MS,
    );
  await waitFor(/Ctrl-C ends everything/);
  await waitFor(/fund-redemption-v2 {2}Programmed=True/);
  await waitFor(/card-query {2}Programmed=True/);
  const shell = (line: string): string =>
    execFileSync('sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = [...said.matchAll(/^ {2}(curl .+)$/gm)].map(([, line = '']) => line);
  const [taken = '', refused = '', seen = '', cards = ''] = lines;
  await until('a key is there', () => /HTTP\/1\.1 200/.test(shell(taken)));
  assert.match(shell(refused), /FIM-PBOC-0007/);
  assert.match(shell(seen), /vnd\.fim\.encrypted\+json/);
  assert.doesNotMatch(shell(cards), /11010519491231002X|6222021234567894/);
  const kubectl = /alias k='([^']+)'/.exec(said)?.[1] ?? '';
  assert.match(shell(`${kubectl} get froute`), /card-query/);
  shell(`${kubectl} delete froute fund-redemption-v2`);
  await until('the edit is in force', () => /HTTP\/1\.1 200/.test(shell(refused)));
  const folder = /logs: (\S+)/.exec(said)?.[1] ?? '';
  assert.ok(existsSync(folder));
  child.kill('SIGINT');
  assert.equal(await ended, 0, said);
  assert.ok(!existsSync(folder), 'its folder is gone');
  assert.throws(
    () => execFileSync('pgrep', ['-f', folder], { stdio: 'ignore' }),
    { status: 1 },
    'its processes are gone',
  );
});

it('npm run mesh says what it is, and takes no option for a start', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'test/mesh/play.ts', ...args], {
      encoding: 'utf8',
    });
  for (const flag of ['--help', '-h']) {
    const { status, stdout } = run(flag);
    assert.equal(status, 0);
    assert.match(stdout, /^npm run mesh.*until Ctrl-C/s);
  }
  for (const wrong of ['--hlep', 'stop']) {
    const { status, stdout, stderr } = run(wrong);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /npm run mesh \[-- --help\]/);
  }
});
