// `fim limits serve`: says where it is, tells Prometheus and a probe how it is, and ends in order.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { fim, ROOT } from './command.ts';

it('serves until a signal, and ends with 0', async (t) => {
  const child = spawn(
    process.execPath,
    ['scripts/fim.ts', 'limits', 'serve', '--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0'],
    { cwd: ROOT, env: { ...process.env, FIM_LIMITS_STORE: undefined }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const ready = JSON.parse(line) as { event: string; listen: string; metrics: string; store: boolean };
  assert.equal(ready.event, 'ready');
  assert.equal(ready.store, true);
  assert.match(ready.listen, /^127\.0\.0\.1:[1-9]\d*$/);
  for (const path of ['/healthz', '/readyz'])
    assert.equal((await fetch(`http://${ready.metrics}${path}`)).status, 200, path);
  assert.match(await (await fetch(`http://${ready.metrics}/metrics`)).text(), /^fim_limits_store_up 1$/m);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

it('refuses a store that it does not know, and says nothing of it', async () => {
  const { status, stderr } = await fim([
    'limits',
    'serve',
    '--listen',
    ':0',
    '--metrics',
    ':0',
    '--store',
    'mysql://u:pw@h',
  ]);
  assert.notEqual(status, 0);
  assert.match(stderr, /FIM-UP-0020/);
  assert.ok(!stderr.includes('pw'));
});
