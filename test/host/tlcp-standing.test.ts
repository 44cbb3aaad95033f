// Connections that were let in under other terms than those of today: edits of what is asked of clients, certificates that end.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { SUITES } from '../../scripts/fim/tlcp-module.ts';
import { type Client, Listener, Setting } from './tlcp/listener.ts';

const GET = 'GET /fund HTTP/1.1\r\nhost: bank\r\n\r\n';
const MONTH_MS = 31 * 24 * 3_600_000;

let setting: Setting;
let foreign: string;
before(async () => {
  setting = await Setting.make();
  foreign = (await Setting.make()).files['ca.pem']!;
});

const own = (): string => setting.files['ca.pem']!;
const served = ({ proxy }: Client): number => proxy.forwarded.length;

function assertTurnedAway(client: Client, listener: Listener): void {
  const before = served(client);
  client.heard = '';
  client.say(GET);
  assert.equal(served(client), before, 'nothing goes on');
  assert.match(client.heard, /^HTTP\/1\.1 421 Misdirected Request\r\n[^]*"code":"FIM-RT-0056"/);
  assert.equal(client.core.ending.reason, 'the other side closed');
  assert.ok(client.proxy.isClosed);
  assert.equal(listener.vm.counted('fim.tlcp.connections.outdated'), 1);
  assert.deepEqual(listener.vm.violations, []);
}

function assertServed(client: Client): void {
  const before = served(client);
  client.say(GET);
  assert.equal(served(client), before + 1);
  assert.ok(client.core.isOpen);
}

describe('an open connection with a certificate', () => {
  for (const [how, more] of [
    ['another trust', { trust: () => foreign }],
    ['a longer minimum validity', { leastSeconds: () => MONTH_MS / 1000 }],
  ] as const)
    it(`is not served under ${how}`, () => {
      const listener = new Listener(setting, {}, 'Required').takeKeys();
      const client = listener.connect().pump();
      assertServed(client);
      const [[name, value]] = Object.entries(more) as [[string, () => unknown]];
      listener.edit({ [name]: value() });
      assertTurnedAway(client, listener);
    });

  it('goes on where it would be let in again, full or resumed, and where nothing is asked that was not', () => {
    const listener = new Listener(setting, {}, 'Required').takeKeys();
    const full = listener.connect().pump();
    const resumed = listener.connect({ session: full.core.keepSession() }).pump();
    assert.ok(resumed.core.isResumed);
    for (const more of [{ trust: `${own()}${foreign}` }, { leastSeconds: 60 }, { tickets: false }]) {
      listener.edit(more);
      for (const client of [full, resumed]) assertServed(client);
    }
    assert.equal(listener.vm.counted('fim.tlcp.connections.outdated'), 0);
  });

  it('is not served when its certificate has ended', () => {
    const listener = new Listener(setting, {}, 'Required').takeKeys();
    const client = listener.connect().pump();
    assertServed(client);
    listener.vm.clock.stepRealtime(MONTH_MS);
    assertTurnedAway(client, listener);
  });
});

describe('an open connection without a certificate', () => {
  for (const demand of [{ clientAuth: 'Required' }, { suites: [SUITES.ECDHE_SM4_GCM_SM3] }])
    it(`is not served under ${JSON.stringify(demand)}, and is where it may have one`, () => {
      const listener = new Listener(setting).takeKeys();
      const client = listener.connect({ identity: undefined }).pump();
      assertServed(client);
      listener.edit({ clientAuth: 'Optional' });
      assertServed(client);
      listener.edit(demand);
      assertTurnedAway(client, listener);
    });
});

it('a session is not resumed longer than the configuration says', () => {
  const listener = new Listener(setting, {}, 'Required', { sessionSeconds: 60 }).takeKeys();
  const session = listener.connect().pump().core.keepSession();
  listener.vm.clock.stepRealtime(59_000);
  assert.ok(listener.connect({ session }).pump().core.isResumed);
  listener.vm.clock.stepRealtime(2_000);
  const late = listener.connect({ session }).pump();
  assert.deepEqual([late.core.isOpen, late.core.isResumed], [true, false]);
});

it('a client that takes only HTTP/2 is told so', () => {
  const listener = new Listener(setting).takeKeys();
  const client = listener.connect({ protocols: ['h2'] }).pump();
  assert.equal(client.core.ending.alert, 'no_application_protocol');
  assert.ok(client.proxy.isClosed);
});

it('headers that begin like those of a certificate never pass, whatever comes behind', () => {
  const listener = new Listener(setting).takeKeys();
  const client = listener.connect().pump();
  client.say(
    'GET /a HTTP/1.1\r\nhost: bank\r\nX-Fim-Client-Role: admin\r\nx_fim_client_anything: 1\r\nx-fim-clients: 2\r\n\r\n',
  );
  const names = client.proxy.forwarded[0]!.entries.map(([name]) => name);
  assert.deepEqual(
    names.filter((name) => /^x.fim/.test(name)),
    ['x-fim-clients'],
  );
});
