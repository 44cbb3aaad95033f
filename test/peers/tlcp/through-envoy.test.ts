// Clients of other implementations at a listener of a stock Envoy: every suite they have, with and without certificates, full
// and resumed by ticket (sessions by id are of one worker), in segments down to a byte, and certificates that are refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { SUITES, TlcpModule, type SuiteName } from '../../../scripts/fim/tlcp-module.ts';
import { Harness } from '../../e2e/harness.ts';
import { route } from '../../e2e/resources.ts';
import { post } from '../../e2e/tlcp-client.ts';
import { KINDS, type Kind } from './kinds.ts';
import { Certificates, type Pair } from './meeting.ts';
import type { Peer, PeerEnd } from './peer.ts';

const SET_UP_MS = 600_000;
const ANSWER_MS = 30_000;
const ALL = ['ECDHE-SM4-GCM-SM3', 'ECC-SM4-GCM-SM3', 'ECDHE-SM4-SM3', 'ECC-SM4-SM3'];
const GOOD = '{"transCode":"01200101","amount":"100.00"}';
const SEGMENTS = [Infinity, 7, 1];

let certificates: Certificates;
let harness: Harness;
const peers = new Map<string, Peer>();

before(
  async () => {
    certificates = new Certificates(await TlcpModule.load());
    for (const kind of KINDS) peers.set(kind.name, kind.start()!);
    const [signChain = '', signKey = '', encryptChain = '', encryptKey = ''] = certificates.server.files.map((file) =>
      readFileSync(file, 'utf8'),
    );
    const identity = { chain: signChain + encryptChain, trust: certificates.authority.text, signKey, encryptKey };
    harness = await Harness.start({
      routes: route('any', { tls: { cipherSuites: ALL, clientAuth: 'Optional' } }),
      tlcp: async () => ({ ...identity, folder: '/development' }),
    });
  },
  { timeout: SET_UP_MS },
);

after(async () => {
  for (const peer of peers.values()) peer.end();
  await harness?.stop();
  certificates.remove();
});

/** Carries a connection over TCP until `done`, or until the proxy closes it. */
async function carry(end: PeerEnd, segment: number, request: string): Promise<{ answer: string; closed: boolean }> {
  const socket = connect({ host: '127.0.0.1', port: harness.stack.listen.port, noDelay: true });
  await once(socket, 'connect');
  let [asked, closed] = [false, false];
  const heard = (): string => Buffer.from(end.plain, 'hex').toString('latin1');
  const send = async (): Promise<void> => {
    if (end.last.state === 'open' && !asked) {
      asked = true;
      await end.act('write', Buffer.from(request));
    }
    const out = end.takeOutput();
    for (let at = 0; at < out.length && !socket.destroyed; at += segment) {
      socket.write(out.subarray(at, Math.min(out.length, at + segment)));
      if (segment < out.length) await new Promise(setImmediate);
    }
  };
  await send();
  const late = setTimeout(() => socket.destroy(), ANSWER_MS);
  try {
    for await (const data of socket) {
      await end.act('feed', data as Buffer);
      await send();
      if (heard().includes('{"ok":true}')) break;
    }
    closed = !heard().includes('{"ok":true}');
  } catch {
    closed = true; // the proxy's reset
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
  return { answer: heard(), closed };
}

function contextOf(kind: Kind, suite: SuiteName, client: Pair | null, tickets: boolean): Promise<number> {
  const { authority } = certificates;
  return peers.get(kind.name)!.context({
    server: false,
    suite: kind.nameOf(suite),
    ca: authority.file,
    pair: client?.files ?? null,
    verify: true,
    tickets,
    sessions: !tickets,
  });
}

for (const kind of KINDS) {
  describe(`${kind.name} at an Envoy`, () => {
    for (const suite of kind.suites) {
      for (const segment of SEGMENTS)
        it(`${suite}, segments of ${segment}: full and, with a ticket, resumed`, async () => {
          const peer = peers.get(kind.name)!;
          const client = certificates.clients['right']!;
          const tickets = kind.resumes.client.includes('ticket');
          const context = await contextOf(kind, suite, client, tickets);
          let session: number | null = null;
          for (const resumed of tickets ? [false, true] : [false]) {
            const end = await peer.open(context, session);
            const { answer } = await carry(end, segment, post('/echo', GOOD));
            assert.match(answer, /^HTTP\/1\.1 200 /, end.last.error);
            assert.deepEqual([end.last.suite, end.last.resumed], [SUITES[suite], resumed]);
            const arrived = harness.upstream.arrived.at(-1)!;
            assert.equal(arrived.body.toString(), GOOD);
            assert.match(String(arrived.headers['x-fim-client-subject']), /^CN=client/);
            if (tickets && !resumed) session = await end.session();
            await end.act('close'); // Tongsuo forgets sessions of connections that ended otherwise
            await end.forget();
          }
        });

      for (const which of ['wrong', 'expired', 'foreign'])
        it(`${suite}: a client certificate that is ${which} gets nothing`, async () => {
          const before = harness.upstream.arrived.length;
          const context = await contextOf(kind, suite, certificates.clients[which]!, false);
          const end = await peers.get(kind.name)!.open(context, null);
          const { answer, closed } = await carry(end, 7, post('/echo', GOOD));
          // One that finds its issuer not among the names of the request sends none, which is optional with ECC.
          const isAlone = which === 'foreign' && closed === false;
          if (!isAlone) assert.deepEqual([answer, harness.upstream.arrived.length], ['', before]);
          else assert.equal(harness.upstream.arrived.at(-1)!.headers['x-fim-client-subject'], undefined);
          await end.forget();
        });
    }
  });
}
