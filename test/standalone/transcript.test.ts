// Lines of `fim up` on the terminal, in its language.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { speak } from '../../scripts/fim/language.ts';
import type { StackEvent } from '../../envoy/standalone/events.ts';
import { Transcript } from '../../scripts/fim/transcript.ts';

/** Text that `tell` prints. */
function printed(t: { mock: { method: typeof import('node:test').mock.method } }, tell: () => void): string {
  let text = '';
  const write = t.mock.method(process.stdout, 'write', (chunk: string) => {
    text += chunk;
    return true;
  });
  tell();
  write.mock.restore();
  return text;
}

test('warnings have titles in the language of the terminal, also those from before FIM was up', (t) => {
  speak('zh');
  t.after(() => speak('en'));
  const { code, message } = new CodedError('FIM-KMS-0002', 'kms://no/such: status 404');
  const transcript = new Transcript(false, false);
  const ready = { event: 'ready', listen: '127.0.0.1:1', admin: '127.0.0.1:2', upstream: 'http://u', kms: 'http://k' };
  const applied = {
    event: 'applied',
    routes: [],
    tookMs: 1,
    generation: 1,
    modules: {},
    conditions: [],
    inherited: {},
    notices: [],
  };
  const text = printed(t, () => {
    transcript.tell({ ...ready, envoy: '/envoy', pid: 1 } as Parameters<typeof transcript.tell>[0]);
    transcript.tell({ event: 'warning', code, message, key: 'kms://no/such' });
    transcript.tell(applied as unknown as Parameters<typeof transcript.tell>[0]);
    transcript.tell({ event: 'warning', code, message, key: 'kms://no/such' });
  });
  const lines = text.split('\n').filter((line) => line.includes(code));
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, /FIM-KMS-0002 KMS 中没有该密钥: kms:\/\/no\/such: status 404$/);
});

test('sections that are those of a baseline are told when they change, and no oftener', (t) => {
  const transcript = new Transcript(false, false);
  const ready = { event: 'ready', listen: '127.0.0.1:1', admin: '127.0.0.1:2', upstream: 'http://u', kms: 'http://k' };
  const limit = { section: 'rateLimit', baseline: 'bank', part: 'overrides', replaces: true };
  const applied = { event: 'applied', routes: [], tookMs: 1, generation: 1, modules: {}, conditions: [], notices: [] };
  const inherited = { 'default/a': [limit], 'default/~baseline': [{ ...limit, replaces: false }] };
  const said = printed(t, () => {
    transcript.tell({ ...ready, envoy: 'e', pid: 1 } as StackEvent);
    for (const now of [{}, inherited, inherited])
      transcript.tell({ ...applied, inherited: now } as unknown as StackEvent);
  });
  const lines = said.split('\n').filter((line) => line.includes('FinancialBaseline'));
  assert.deepEqual(lines, [
    "  baseline   default/a: rateLimit of FinancialBaseline bank instead of the route's own",
    '  baseline   requests without a route: rateLimit of FinancialBaseline bank',
  ]);
});
