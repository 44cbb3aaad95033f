// Nothing that was planted is in anything that a run through a real Envoy leaves: what arrived, what came back, logs,
// dumps, metrics. A program in another language plants and looks. A long run: `FIM_TEST_PLANTED_MESSAGES=4000`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

const MESSAGES = Number(process.env['FIM_TEST_PLANTED_MESSAGES'] ?? '40');
const SEED = 20261130;
const PROGRAM = join(import.meta.dirname, 'masked-oracle.py');
const TYPES: Record<string, string> = {
  json: 'application/json',
  xml: 'application/xml',
  form: 'application/x-www-form-urlencoded',
  events: 'application/json',
};
const ADMIN_PATHS = ['/config_dump', '/stats', '/stats/prometheus', '/clusters', '/server_info', '/runtime'];
const both = { direction: 'Both' };
const masking = {
  nested: 2,
  dictionary: { classes: ['C2', 'C3'], ...both },
  detect: ['IdCard', 'BankCard', 'Phone', 'Email'].map((kind) => ({ kind })),
  fields: [
    { header: 'x-phone', kind: 'Phone', ...both },
    { parameter: 'q', kind: 'Phone' },
    { cookie: 'uid', kind: 'UserName', ...both },
  ],
};
const at = (name: string, spec: object): string =>
  route(name, { match: { path: { type: 'Prefix', value: `/${name}` } }, ...spec });
const ROUTES = together(
  at('json', { masking }),
  at('xml', { body: { format: 'XML' }, masking }),
  at('form', { body: { format: 'Form' }, masking }),
  at('events', { masking: { ...masking, stream: true } }),
);

interface Case {
  kind: string;
  path: string;
  phone: string;
  cookie: string;
  request: string;
  response: string;
  answerPhone: string;
  setCookie: string;
}

const folder = mkdtempSync(join(tmpdir(), 'fim-planted-'));
let harness: Harness;
before(async () => (harness = await Harness.start({ routes: ROUTES, logsAccess: true })));
after(async () => {
  await harness?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const python = (args: string[], input = ''): string =>
  execFileSync('python3', [PROGRAM, ...args], { encoding: 'utf8', input, maxBuffer: 1 << 30 });

test('no value that was planted is in any output', async (t) => {
  const { cases, values } = JSON.parse(python(['plan', String(SEED), String(MESSAGES)])) as {
    cases: Case[];
    values: string[];
  };
  await fetch(new URL('/logging?wasm=trace', harness.stack.envoy.admin.base), { method: 'POST' });
  const cameBack: string[] = [];
  for (const one of cases) {
    harness.upstream.answer = (_, response) =>
      response
        .writeHead(200, {
          'content-type': one.kind === 'events' ? 'text/event-stream' : TYPES[one.kind]!,
          'x-phone': one.answerPhone,
          'set-cookie': one.setCookie,
        })
        .end(one.response);
    const reply = await send(harness.url, {
      path: one.path,
      headers: { 'content-type': TYPES[one.kind]!, 'x-phone': one.phone, cookie: one.cookie },
      body: one.request,
    });
    assert.equal(reply.status, 200, one.kind);
    assert.ok(reply.body.length > 50);
    cameBack.push(`${JSON.stringify(reply.headers)}\n${reply.body.toString()}`);
  }
  // Envoy writes its access log a moment later.
  await harness.poll(async () => readFileSync(harness.accessLog, 'utf8').split('\n').length > cases.length);
  const outputs = new Map<string, string>();
  const { arrived } = harness.upstream;
  outputs.set(
    'arrived',
    arrived
      .map(
        ({ path, headers, body, trailers }) => `${path}\n${JSON.stringify({ headers, trailers })}\n${body.toString()}`,
      )
      .join('\n'),
  );
  outputs.set('came back', cameBack.join('\n'));
  for (const path of ADMIN_PATHS) outputs.set(path, await harness.stack.envoy.admin.get(path));
  outputs.set('log', harness.log.join('\n'));
  outputs.set('events', JSON.stringify(harness.events));
  outputs.set('access log', readFileSync(harness.accessLog, 'utf8'));
  for (const [name, text] of outputs) {
    assert.ok(text.length > 0, name);
    writeFileSync(join(folder, name.replaceAll('/', '_')), text);
  }
  const leaks = JSON.parse(python(['search', folder], JSON.stringify(values))) as { file: string; value: number }[];
  // What was sent is all found by the same search: it is not blind.
  const sent = mkdtempSync(join(folder, '..', 'fim-planted-sent-'));
  t.after(() => rmSync(sent, { recursive: true, force: true }));
  const plain = cases.map((one) => Object.values(one as unknown as Record<string, string>).join('\n')).join('\n');
  writeFileSync(join(sent, 'sent'), plain);
  const known = JSON.parse(python(['search', sent], JSON.stringify(values))) as unknown[];
  t.diagnostic(`${cases.length} messages, ${values.length} values, ${outputs.size} outputs, ${leaks.length} leaks`);
  assert.equal(known.length, values.length);
  const told = leaks.map(({ file, value }) => `${file}: value ${value} of ${values[value]!.length} characters`);
  assert.deepEqual(told, []);
});
