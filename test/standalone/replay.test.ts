// `fim replay`: recorded traffic through two policies, told without a value.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readRecorded, type Recorded, type ReplayReport } from '../../envoy/cases/index.ts';
import { LINE_EXAMPLE } from '../../scripts/fim/replay-example.ts';
import { fim } from './command.ts';

const SECRET = '6222021234567894';

describe('replay', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'fim-replay-test-'));
    policy('today', {
      validation: { fields: [{ name: 'code', pattern: '^1' }] },
      rateLimit: { requests: 2, period: '1m' },
    });
    policy('next', {
      validation: {
        fields: [
          { name: 'code', pattern: '^[12]' },
          { name: 'amount', type: 'string' },
        ],
      },
      masking: { fields: [{ name: 'pan', kind: 'BankCard' }] },
      rateLimit: { requests: 2, period: '1m' },
    });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function policy(name: string, spec: object): void {
    const resource = { apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name: 'pay' }, spec };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(resource));
  }

  function recording(name: string, text: string): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  const line = (minute: number, body: object, answer: object = {}): string =>
    JSON.stringify({
      time: new Date(Date.UTC(2026, 2, 1, 9, minute)).toISOString(),
      request: {
        method: 'POST',
        path: '/pay',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      },
      response: { headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) },
    });

  async function all(file: string): Promise<Recorded[]> {
    const found: Recorded[] = [];
    for await (const one of readRecorded(file)) found.push(one);
    return found;
  }

  test('messages that would fare differently are told by kind, place and line, and no value is', async () => {
    const file = recording(
      'a.jsonl',
      [
        line(0, { code: '1', amount: '1' }),
        line(1, { code: '2', amount: '1' }),
        line(2, { code: '1' }),
        line(3, { code: '3', amount: SECRET }),
        line(4, { code: '1', amount: '1' }, { pan: SECRET }),
        // Three at once: the limit is the same in both policies.
        ...[5, 5, 5].map((minute) => line(minute, { code: '1', amount: '1' })),
      ].join('\n'),
    );
    const args = ['replay', file, '--policy', join(folder, 'today.json'), '--next', join(folder, 'next.json')];
    const { status, stdout, stderr } = await fim([...args, '--output', 'json']);
    assert.equal(status, 0, stdout + stderr);
    assert.ok(!stdout.includes(SECRET));
    const { messages, same, before: today, after: next, changes } = JSON.parse(stdout) as ReplayReport;
    assert.deepEqual({ messages, same }, { messages: 8, same: 5 });
    assert.deepEqual(today, { Passed: 5, 'Refused FIM-PBOC-0001': 2, 'Refused FIM-LIM-0001': 1 });
    assert.deepEqual(next, { Passed: 5, 'Refused FIM-PBOC-0001': 2, 'Refused FIM-LIM-0001': 1 });
    assert.deepEqual(
      changes.map(({ from, to, errors, examples }) => [
        from,
        to,
        errors,
        examples.map((place) => place.replace(/.*:/, '')),
      ]),
      [
        ['Refused FIM-PBOC-0001', 'Passed', { 'FIM-PBOC-0007 /code': 1 }, ['2']],
        ['Passed', 'Refused FIM-PBOC-0001', { 'FIM-PBOC-0005 /amount': 1 }, ['3']],
        ['Passed', 'Passed, other bytes to the client', {}, ['5']],
      ],
    );
    const told = await fim([...args, '--fail-on-change']);
    assert.equal(told.status, 1);
    assert.match(told.stdout, /3 of 8 would fare differently/);
  });

  test('a HAR is read with its bodies, and a line as the help shows it', async () => {
    const entry = {
      startedDateTime: '2026-03-01T09:30:00.000Z',
      request: {
        method: 'POST',
        url: 'https://bank.test/pay?a=1',
        headers: [
          { name: 'Content-Type', value: 'application/json' },
          { name: 'Content-Length', value: '2' },
          { name: 'Host', value: 'bank.test' },
        ],
        postData: { text: '{}' },
      },
      response: {
        status: 0,
        headers: [{ name: 'Content-Encoding', value: 'gzip' }],
        content: { text: 'AQI=', encoding: 'base64' },
      },
    };
    const har = recording('a.har', JSON.stringify({ log: { entries: [entry] } }));
    assert.deepEqual(await all(har), [
      {
        place: `${har}#1`,
        atMs: Date.parse(entry.startedDateTime),
        step: {
          request: {
            method: 'POST',
            path: '/pay?a=1',
            host: 'bank.test',
            headers: { 'content-type': 'application/json' },
            hex: '7b7d',
          },
          response: { status: 200, headers: {}, hex: '0102' },
        },
      },
    ]);
    const shown = LINE_EXAMPLE.split('\n').find((text) => text.trim().startsWith('{'))!;
    assert.equal((await all(recording('b.jsonl', shown)))[0]!.step.request!.path, '/fund');
  });

  test('a recording that is none is told by its line, without its content', async () => {
    for (const text of [
      `{"request":{}}\n{"x":"${SECRET}"`,
      `{"request":{}}\n"${SECRET}"`,
      '{"request":{}}\n{"request":{},"time":"x"}',
    ]) {
      const file = recording('wrong.jsonl', text);
      await assert.rejects(all(file), (error: Error) => {
        assert.match(error.message, /^FIM-UP-0083 .*wrong\.jsonl:2: /);
        assert.ok(!error.message.includes(SECRET));
        return true;
      });
    }
    await assert.rejects(all(join(folder, 'none.jsonl')), /FIM-UP-0083/);
    await assert.rejects(all(recording('wrong.har', '{"log":{}}')), /FIM-UP-0083 .*log\.entries/);
  });
});
