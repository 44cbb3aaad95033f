// When a configuration counts as live, with an admin interface that says what the test wants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvoyAdmin } from '../../envoy/standalone/envoy-admin.ts';
import { LiveProof } from '../../envoy/standalone/live-proof.ts';

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

const before = { generation: 7, configured: 4, refused: 1, routesRead: 0, routesRefused: 0, tlcpConfigured: 0 };
const NOTHING_ELSE = { routes: false, tlcp: false };

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
      routes: true,
      tlcp: false,
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
  await new LiveProof(counting, 2, 1).wait(before, { routes: false, tlcp: true });
  assert.ok(asked >= 4, 'two workers, the main thread and the check of the code');
});
