// When a configuration counts as live, with an admin interface that says what the test wants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvoyAdmin } from '../../envoy/standalone/envoy-admin.ts';
import { LiveProof, NOTHING_SEEN } from '../../envoy/standalone/live-proof.ts';

const REJECTED = 'extension_config_discovery.http_filter.fim.update_rejected';
const CONFIGURED = 'wasmcustom.fim.configured.7';

/** Answers in turn; null: none in time. The last is repeated. */
function admin(...answers: (Record<string, number> | null)[]): EnvoyAdmin {
  let asked = 0;
  const stats = async (): Promise<Map<string, number>> => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    if (answer === null) throw new Error('The operation was aborted due to timeout');
    return new Map(Object.entries(answer));
  };
  return { stats } as unknown as EnvoyAdmin;
}

const before = { ...NOTHING_SEEN, generation: 7, configured: 4, refused: 1 };
const NOTHING_ELSE = { routes: false, tlcp: false, listener: false };

test('a late answer of the admin interface is no refusal: it is asked again', async () => {
  const whole = { [CONFIGURED]: 8, [REJECTED]: 1 };
  await new LiveProof(admin(null, { [CONFIGURED]: 5, [REJECTED]: 1 }, null, whole, null, whole), 2, 1).wait(
    before,
    NOTHING_ELSE,
  );
});

test('counts that are whole are looked at once more, since a worker counts before it serves', async () => {
  let asked = 0;
  const counting = { stats: async () => new Map([[CONFIGURED, ++asked < 3 ? 7 : 8]]) } as unknown as EnvoyAdmin;
  await new LiveProof(counting, 2, 1).wait(before, NOTHING_ELSE);
  assert.equal(asked, 4);
});

test('what Envoy refuses is refused, also after a late answer', async () => {
  await assert.rejects(
    new LiveProof(admin(null, { [CONFIGURED]: 4, [REJECTED]: 2 }), 2, 1).wait(before, NOTHING_ELSE),
    /FIM-UP-0013/,
  );
});

test('routes that Envoy refuses are refused, whatever the modules took', async () => {
  await assert.rejects(
    new LiveProof(admin({ [CONFIGURED]: 8, 'http.fim.rds.fim.update_rejected': 1, [REJECTED]: 1 }), 2, 1).wait(before, {
      ...NOTHING_ELSE,
      routes: true,
    }),
    /FIM-UP-0013/,
  );
});

test('national TLS is live when every VM of its module has it', async () => {
  const tlcp = 'wasmcustom.fim.tlcp.configured.7';
  let asked = 0;
  const counting = {
    stats: async () =>
      new Map([
        [CONFIGURED, 8],
        [tlcp, ++asked],
      ]),
  } as unknown as EnvoyAdmin;
  await new LiveProof(counting, 2, 1).wait(before, { ...NOTHING_ELSE, tlcp: true });
  assert.ok(asked >= 4, 'two workers, the main thread and the check of the code');
});

test('a listener is live when it waits for nothing more; one that is refused is refused', async () => {
  const read = 'listener_manager.lds.update_success';
  const waits = 'listener_manager.total_listeners_warming';
  const counts = (...more: [string, number][]): EnvoyAdmin =>
    admin(Object.fromEntries([[CONFIGURED, 8], [REJECTED, 1], ...more]));
  const listener = { ...NOTHING_ELSE, listener: true };
  await new LiveProof(counts([read, 1], [waits, 0]), 2, 1).wait(before, listener);
  await assert.rejects(
    new LiveProof(counts(['listener_manager.lds.update_rejected', 1]), 2, 1).wait(before, listener),
    /FIM-UP-0013/,
  );
  let asked = 0;
  const warming = {
    stats: async () =>
      new Map([
        [CONFIGURED, 8],
        [read, 1],
        [waits, ++asked < 3 ? 1 : 0],
      ] as [string, number][]),
  } as unknown as EnvoyAdmin;
  await new LiveProof(warming, 2, 1).wait({ ...before, refused: 0 }, listener);
  assert.ok(asked >= 3);
});
