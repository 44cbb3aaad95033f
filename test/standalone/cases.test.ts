// `fim test`: what holds, what does not, what nobody tests, and how it is told.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, beforeEach, describe, test } from 'node:test';
import { loadCases, runFile, type FileReport, type RunOptions } from '../../envoy/cases/index.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { loadRoutes } from '../../envoy/route/index.ts';
import { EXAMPLE } from '../../scripts/fim/test-example.ts';
import { githubLines, junit } from '../../scripts/fim/test-report.ts';
import { builtModules } from '../host/modules.ts';
import { fim, ROOT } from './command.ts';

const SAMPLES = join(ROOT, 'istio/samples');

describe('test cases of policies', () => {
  let folder: string;
  let module: LoadedModule;
  before(async () => {
    module = (await builtModules(['fim'])).get('fim')!;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fim-cases-test-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function route(name: string, spec: object): void {
    const resource = { apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name }, spec };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(resource));
  }

  function cases(content: object | string): string {
    const file = join(folder, 'a.test.yaml');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  async function report(file: string, options?: RunOptions): Promise<FileReport> {
    const { files, errors } = loadCases([file]);
    assert.deepEqual(errors, []);
    return runFile(module, files[0]!, options);
  }

  /** Failures of the only case, `path: message` each. */
  async function failures(one: object): Promise<string[]> {
    const {
      cases: [ran],
      errors,
    } = await report(cases({ cases: [{ name: 'it', ...one }] }));
    assert.deepEqual(errors, []);
    return ran!.failures.map(({ path, message }) => `${path.replace('$.cases[0].', '')}: ${message}`);
  }

  function mistakes(content: object | string): string[] {
    const { files, errors } = loadCases([cases(content)]);
    assert.equal(files.length, 0);
    return errors.map(
      ({ code, path, line, message }) => `${code} ${path} ${line ?? '-'} ${message.replace(/^[^:]*: /, '')}`,
    );
  }

  test('the samples hold, and the samples are found beside the policies', async () => {
    const { files, errors } = loadCases([SAMPLES]);
    assert.deepEqual(errors, []);
    assert.equal(files.length, 2);
    for (const loaded of files) {
      const { cases: ran } = await runFile(module, loaded);
      assert.ok(ran.length >= 4);
      assert.deepEqual(
        ran.flatMap((one) => one.failures),
        [],
      );
    }
  });

  test('a folder of resources passes over files of cases', () => {
    const { errors, files } = loadRoutes([SAMPLES]);
    assert.deepEqual(errors, []);
    assert.ok(files.length >= 4 && files.every((file) => !file.includes('.test.')));
  });

  test('the example of the help is a file of cases that holds', async () => {
    const text = EXAMPLE.split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => line.slice(2))
      .join('\n')
      .replace('fund-redemption-v2.yaml', join(SAMPLES, 'fund-redemption-v2.yaml').slice(1))
      .replace('routes: [', `routes: [${'../'.repeat(10)}`);
    const { cases: ran } = await report(cases(text));
    assert.deepEqual(
      ran.map(({ name, failures: none }) => [name, none.length]),
      [
        ['a redemption reaches the upstream encrypted', 0],
        ['another kind of transaction is refused, and the upstream sees nothing', 0],
      ],
    );
  });

  test('each expectation can fail, and says what was seen', async () => {
    route('pay', {
      match: { path: { type: 'PathPrefix', value: '/pay' } },
      validation: { fields: [{ name: 'a', pattern: '^1$' }] },
    });
    const good = { path: '/pay', json: { a: '1' } };
    const bad = { path: '/pay', json: { a: '2' } };
    assert.deepEqual(await failures({ request: good, expect: { verdict: 'Refused' } }), [
      'expect.verdict: Passed, expected Refused',
    ]);
    assert.deepEqual(await failures({ request: bad, expect: { verdict: 'Passed', status: 200 } }), [
      'expect.verdict: Refused, expected Passed (refused: FIM-PBOC-0001, FIM-PBOC-0007 at /a)',
      'expect.status: 422, expected 200 (refused: FIM-PBOC-0001, FIM-PBOC-0007 at /a)',
    ]);
    assert.deepEqual(
      await failures({
        request: bad,
        expect: { code: 'FIM-PBOC-0002', errors: [{ path: '/b' }], upstream: { method: 'POST' } },
      }).catch(String),
      [
        'expect.code: FIM-PBOC-0001, expected FIM-PBOC-0002',
        'expect.errors: the refusal names FIM-PBOC-0007 at /a',
        'expect.upstream: the upstream got nothing (refused: FIM-PBOC-0001, FIM-PBOC-0007 at /a)',
      ],
    );
    assert.deepEqual(
      await failures({ request: good, expect: { upstream: 'Nothing', route: 'other', observed: ['FIM-PBOC-0001'] } }),
      [
        'expect.route: default/pay, expected other',
        'expect.observed: none, expected FIM-PBOC-0001',
        'expect.upstream: the upstream got POST with 9 bytes, expected Nothing',
      ],
    );
    assert.deepEqual(
      await failures({
        request: good,
        response: { status: 201, headers: { 'x-a': 'b' }, json: { c: [1, { d: 'e' }] } },
        expect: {
          status: 201,
          client: {
            headers: { 'x-a': 'c', 'x-b': 'd', 'content-type': null },
            json: {},
            values: { '$.c[1].d': '/^f/', '$.c[0]': 1 },
            absent: ['$.c'],
            text: 'x',
            hex: '00',
            protected: true,
          },
          upstream: { method: 'PUT', path: '/', json: { a: '1' } },
        },
      }),
      [
        'expect.upstream.method: POST, expected PUT',
        'expect.upstream.path: /pay, expected /',
        "expect.client.headers['x-a']: b, expected c",
        "expect.client.headers['x-b']: absent, expected d",
        "expect.client.headers['content-type']: application/json, expected absent",
        'expect.client.protected: it came in clear',
        'expect.client.text: {"c":[1,{"d":"e"}]}, expected x',
        `expect.client.hex: ${Buffer.from('{"c":[1,{"d":"e"}]}').toString('hex')}`,
        'expect.client.json: {"c":[1,{"d":"e"}]}, expected {}',
        `expect.client.values['$.c[1].d']: "e", expected "/^f/"`,
        'expect.client.absent[0]: $.c is there',
      ],
    );
  });

  test('a client protects, an upstream opens, and a message that nobody sealed is refused', async () => {
    route('in', {
      match: { path: { value: '/in' } },
      encryption: { keyId: 'kms://prod/in', request: 'Decrypt', response: 'Encrypt' },
      signature: { keyId: 'kms://prod/sign', algorithm: 'SM2', request: 'Verify', response: 'None' },
    });
    const request = { path: '/in', json: { amount: '1.00' } };
    assert.deepEqual(
      await failures({
        request: { ...request, protect: true },
        response: { json: { result: 'ok' } },
        expect: {
          verdict: 'Passed',
          upstream: { json: { amount: '1.00' } },
          client: { protected: true, json: { result: 'ok' } },
        },
      }),
      [],
    );
    assert.deepEqual(await failures({ request, expect: { status: 401, upstream: 'Nothing' } }), []);
  });

  test('facts about the client are those of the case, and cases do not meet', async () => {
    route('limit', {
      match: { path: { value: '/l' } },
      rateLimit: { requests: 1, period: '1m', key: { claim: { name: 'sub' } } },
    });
    const ask = (sub: string, status: number): object => ({
      request: { path: '/l' },
      from: { claims: { sub } },
      expect: { status },
    });
    const { cases: ran } = await report(
      cases({
        cases: [
          { name: 'one', steps: [ask('a', 200), ask('b', 200), ask('a', 429)] },
          { name: 'another', steps: [ask('a', 200), { ...ask('a', 200), advance: '1m' }] },
        ],
      }),
    );
    assert.deepEqual(
      ran.flatMap((one) => one.failures),
      [],
    );
  });

  test('rules without which every case holds are named at their lines', async () => {
    route('r', {
      match: { path: { value: '/r' } },
      validation: {
        fields: [
          { name: 'a', pattern: '^1' },
          { name: 'b', required: false, maxLength: 3 },
        ],
      },
      masking: { fields: [{ name: 'pan', kind: 'BankCard' }] },
      rateLimit: { requests: 2, period: '1m' },
    });
    const file = cases({
      cases: [
        { name: 'refused', request: { path: '/r', json: { a: '2' } }, expect: { verdict: 'Refused' } },
        {
          name: 'masked, and nobody looks',
          request: { path: '/r', json: { a: '1' } },
          response: { json: { pan: '6222021234567894' } },
          expect: { status: 200 },
        },
        {
          name: 'limited',
          steps: [
            { times: 2, request: { path: '/r', json: { a: '1' } }, expect: { status: 200 } },
            { request: { path: '/r', json: { a: '1' } }, expect: { status: 429 } },
          ],
        },
      ],
    });
    const { rules } = await report(file, { coverage: true });
    assert.deepEqual(
      rules!.untested.map(({ path, code }) => `${code} ${path}`),
      ['FIM-UP-0082 $.spec.validation.fields[1]', 'FIM-UP-0082 $.spec.masking.fields[0]'],
    );
    assert.equal(rules!.tested, 2);
  });

  test('mistakes in a file have their places', () => {
    assert.deepEqual(
      mistakes('cases:\n  - name: a\n    request: {path: x}\n    expect: {verdict: Good}\n    more: 1\n').sort(),
      [
        'FIM-UP-0080 $.cases[0].expect.verdict 4 one of Passed, Refused, Untouched',
        'FIM-UP-0080 $.cases[0].more 5 there is no such word here',
        'FIM-UP-0080 $.cases[0].request.path 3 must match pattern "^/"',
      ],
    );
    assert.deepEqual(mistakes({ cases: [{ name: 'a' }, { name: 'a', request: { json: 1, text: 'x' } }] }), [
      'FIM-UP-0080 $.cases[0] 1 there is no request',
      'FIM-UP-0080 $.cases[1].name 1 another case has this name',
      'FIM-UP-0080 $.cases[1] 1 a request, and nothing is expected',
      'FIM-UP-0080 $.cases[1].request 1 at most one of json, text, hex, file',
    ]);
    assert.deepEqual(mistakes({ cases: [{ name: 'a', request: {}, expect: { client: { values: { $: '/(/' } } } }] }), [
      "FIM-UP-0080 $.cases[0].expect.client.values['$'] 1 the pattern is wrong",
    ]);
    assert.deepEqual(mistakes({ cases: [{ name: 'a', steps: [{ advance: '1s' }] }] }), [
      'FIM-UP-0080 $.cases[0].steps 1 nothing is expected',
    ]);
    assert.match(mistakes('cases: [')[0]!, /^FIM-UP-0080 \$ 1 line 1: /);
  });

  test('a key that no route names, a body that is not there and a wrong resource are told', async () => {
    route('pay', { match: { path: { value: '/pay' } } });
    const one = { name: 'a', request: { path: '/pay', file: 'none.bin' }, expect: { status: 200 } };
    assert.match((await report(cases({ cases: [one] }))).cases[0]!.failures[0]!.message, /none\.bin: ENOENT/);
    assert.match(
      (await report(cases({ keys: { 'kms://a': '00'.repeat(16) }, cases: [one] }))).errors[0]!.message,
      /no route names the key kms:\/\/a/,
    );
    writeFileSync(join(folder, 'wrong.json'), '{"kind":"FinancialRoute"}');
    assert.ok((await report(cases({ cases: [one] }))).errors.length > 0);
  });

  test('reports are for JUnit, for GitHub and for programs', async () => {
    route('pay', { match: { path: { value: '/pay' } } });
    const file = cases({
      cases: [
        { name: 'a < b, \u0007 & c', request: { path: '/pay' }, expect: { status: 404 } },
        { name: 'd', request: { path: '/pay' }, expect: { status: 200 } },
      ],
    });
    const told = await report(file);
    const xml = junit([told], []);
    const read = spawnSync(
      'python3',
      [
        '-c',
        'import sys,xml.dom.minidom as m\nd=m.parseString(sys.stdin.buffer.read())\nprint([(c.getAttribute("name"),len(c.childNodes)>0) for c in d.getElementsByTagName("testcase")], d.getElementsByTagName("testsuite")[0].getAttribute("failures"))',
      ],
      { input: xml, encoding: 'utf8' },
    );
    assert.equal(read.stdout.trim(), "[('a < b, \ufffd & c', True), ('d', False)] 1", read.stderr);
    assert.deepEqual(githubLines([told], []), [
      `::error file=${file},line=1,title=a < b%2C \u0007 & c::$.cases[0].expect.status: 200, expected 404`,
    ]);
    const json = await fim(['test', folder, '--output', 'json', '--junit', join(folder, 'r.xml')]);
    assert.equal(json.status, 1);
    const { cases: count, passed, failed, errors } = JSON.parse(json.stdout) as Record<string, unknown>;
    assert.deepEqual({ count, passed, failed, errors }, { count: 2, passed: 1, failed: 1, errors: [] });
    assert.match(readFileSync(join(folder, 'r.xml'), 'utf8'), /<testsuites>/);
  });

  test('a folder without cases is told, and a wrong word of the command line', async () => {
    const none = await fim(['test', folder]);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /FIM-UP-0081/);
    assert.equal((await fim(['test', folder, '--output', 'xml'])).status, 2);
  });

  test('--watch runs the cases again after an edit', async (t) => {
    route('pay', { match: { path: { value: '/pay' } } });
    cases({ cases: [{ name: 'a', request: { path: '/pay' }, expect: { status: 404 } }] });
    const child = spawn(process.execPath, ['scripts/fim.ts', 'test', folder, '--watch'], { cwd: ROOT });
    t.after(async () => {
      const ended = once(child, 'close');
      child.kill();
      await ended;
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (/ cases: /.test(line)) lines.push(line.replace(/ \(.*/, ''));
      if (!line.startsWith('waiting')) continue;
      if (lines.length === 2) break;
      cases({ cases: [{ name: 'a', request: { path: '/pay' }, expect: { status: 200 } }] });
    }
    assert.deepEqual(lines, ['1 cases: 0 passed, 1 failed', '1 cases: 1 passed, 0 failed']);
  });
});
