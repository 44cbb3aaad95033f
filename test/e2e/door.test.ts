// The door of a running proxy, from outside: `fim limits top` and `fim limits explain` as an operator calls them, and what
// clients of the public port cannot do.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Door } from '../../envoy/standalone/door.ts';
import { ROOT } from '../../scripts/fim/project.ts';
import { Harness } from './harness.ts';

const ROUTES = (requests: number): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  match: {path: {type: Prefix, value: /pay}}
  rateLimit:
    limits:
    - {name: client, requests: ${requests}, period: 1h, key: [{header: x-client}]}
    - {name: network, requests: 50, period: 1h, algorithm: SlidingWindow, key: [{clientAddress: {}}]}
    - {name: account, requests: 5, period: 1h, key: [{field: $.account}]}
`;

interface Said {
  status: number;
  out: string;
  err: string;
}

/** Runs the command line as an operator does. */
function fim(...words: string[]): Promise<Said> {
  return new Promise((done) => {
    execFile(process.execPath, ['scripts/fim.mjs', ...words], { cwd: ROOT }, (error, out, err) =>
      done({ status: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe('the door of a running proxy', () => {
  let harness: Harness;
  let door: string;
  before(async () => {
    harness = await Harness.start({ routes: ROUTES(4) });
    door = harness.stack.door!;
  });
  after(() => harness?.stop());

  const pay = async (client: string, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`${harness.url}/pay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-client': client, ...headers },
      body: '{"account":"6"}',
    });
    await response.arrayBuffer();
    return response.status;
  };

  it('is for the user alone whose proxy it is', () => {
    assert.equal(lstatSync(door).mode & 0o777, 0o600);
    assert.equal(lstatSync(dirname(door)).mode & 0o777, 0o700);
  });

  it('tells the limits of a request in their order, and takes nothing', async () => {
    assert.equal(await pay('alice'), 200);
    const asked = ['limits', 'explain', '/pay', '--header', 'x-client: alice', '--from', '127.0.0.1', '--door', door];
    const before = await fim(...asked);
    assert.match(before.out, /^route default\/pay\n/);
    assert.match(before.out, /1 {2}default\/pay\/client +TokenBucket +[0-9a-f]{12} +3 of 4 +lets in\n/);
    assert.match(before.out, /2 {2}default\/pay\/network +SlidingWindow +[0-9a-f]{12} +49 of 50 +lets in\n/);
    assert.match(before.out, /3 {2}default\/pay\/account +TokenBucket +by the body +asked when the body has come\n/);
    assert.equal((await fim(...asked)).out, before.out);
    const other = await fim('limits', 'explain', '/other', '--door', door);
    assert.equal(other.out, 'no route is for this request: nothing limits it\n');
  });

  it('tells the fullest buckets by hashes, and a name for those that are asked about by value', async () => {
    while ((await pay('mallory')) === 200);
    const plain = await fim('limits', 'top', '--json', '--count', '3', '--door', door);
    const { keys } = JSON.parse(plain.out) as { keys: { limit: string; key: string; left: number; of: number }[] };
    assert.equal(keys.length, 3);
    const account = keys.find(({ limit }) => limit === 'default/pay/account');
    assert.deepEqual({ left: account?.left, of: account?.of }, { left: 0, of: 5 });
    assert.doesNotMatch(plain.out, /mallory|alice/);
    const named = await fim(
      ...['limits', 'top', '--path', '/pay', '--header', 'x-client: {}', '--name', 'mallory', '--door', door],
    );
    assert.match(named.out, /default\/pay\/client +mallory +4 of 4/);
  });

  it('opens to no request of the public port, whatever that says', async () => {
    const response = await fetch(`${harness.url}/limits/top`, { headers: { 'x-fim-asked-path': '/pay' } });
    await response.text();
    assert.equal(response.status, 200);
  });

  it('sees a new policy as soon as it is in force', async () => {
    const applied = await harness.edit(ROUTES(9));
    assert.equal(applied.event, 'applied');
    await harness.poll(async () => (await fim('limits', 'explain', '/pay', '--door', door)).out.includes('9 of 9'));
  });

  it('has nothing behind it', async () => {
    await assert.rejects(new Door(door).ask({ path: '/pay' }), /FIM-UP-0063/);
    await assert.rejects(new Door(door).ask({ path: '/limits/none' }), /FIM-UP-0063/);
  });
});

it('leads through a chain of filters to the one that knows', async (t) => {
  const harness = await Harness.start({ routes: ROUTES(4), layout: 'chain' });
  t.after(() => harness.stop());
  const said = await fim('limits', 'explain', '/pay', '--door', harness.stack.door!);
  assert.match(said.out, /default\/pay\/client .*4 of 4 +lets in\n/);
});

it('a command refuses in words where no proxy answers', async () => {
  const said = await fim('limits', 'top', '--door', '/nowhere/door.sock');
  assert.equal(said.status, 1);
  assert.match(said.err, /FIM-UP-0061/);
});
