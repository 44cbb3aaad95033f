// National TLS with Tongsuo in both roles: four suites, client certificates of every kind, full and resumed handshakes,
// flights whole and in pieces.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { certificate, pem, type Issuance } from '../../../scripts/fim/tlcp-certificate.ts';
import {
  SUITES,
  TlcpModule,
  type Connection,
  type KeyPair,
  type SideOptions,
  type SuiteName,
} from '../../../scripts/fim/tlcp-module.ts';
import { Tongsuo, type TongsuoEnd } from './tongsuo.ts';

const DAY_MS = 86_400_000;
const SET_UP_MS = 300_000;
const SEGMENTS = [Infinity, 7, 1];
/** Names of the suites in Tongsuo. */
const TONGSUO_NAMES: Record<SuiteName, string> = {
  ECDHE_SM4_GCM_SM3: 'ECDHE-SM2-SM4-GCM-SM3',
  ECC_SM4_GCM_SM3: 'ECC-SM2-SM4-GCM-SM3',
  ECDHE_SM4_CBC_SM3: 'ECDHE-SM2-SM4-CBC-SM3',
  ECC_SM4_CBC_SM3: 'ECC-SM2-SM4-CBC-SM3',
};
/** Alerts of the core for faulty certificates. */
const ALERTS: Record<string, string> = {
  none: 'handshake_failure',
  foreign: 'unknown_ca',
  expired: 'certificate_expired',
  'for servers only': 'unsupported_certificate',
};
const SUITE_NAMES = Object.keys(SUITES) as SuiteName[];
const isEphemeral = (suite: SuiteName): boolean => suite.startsWith('ECDHE');

interface Pair {
  /** For the core. */
  text: string;
  /** For Tongsuo: certificate, key, certificate, key. */
  files: string[];
}

const folder = mkdtempSync(join(tmpdir(), 'fim-tlcp-peers-'));
let module: TlcpModule;
let tongsuo: Tongsuo;
let authority: { text: string; file: string };
let server: Pair;
const clients: Record<string, Pair | null> = { none: null };

function save(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function issue(said: Partial<Issuance> & { name: string }, key: KeyPair, issuer: KeyPair, issuerName: string): string {
  return pem(
    'CERTIFICATE',
    certificate({
      issuer: issuerName,
      serial: Buffer.concat([Buffer.from([1]), randomBytes(8)]),
      notBefore: new Date(Date.now() - 2 * DAY_MS),
      notAfter: new Date(Date.now() + 30 * DAY_MS),
      point: key.point,
      sign: issuer.sign,
      ...said,
    }),
  );
}

function makeAuthority(name: string): { key: KeyPair; name: string; text: string } {
  const key = module.generateKey();
  const text = issue({ name, authority: {}, usages: ['keyCertSign', 'cRLSign'] }, key, key, name);
  return { key, name, text };
}

function makePair(name: string, by: { key: KeyPair; name: string }, said: Partial<Issuance> = {}): Pair {
  const parts = (['digitalSignature', 'keyEncipherment'] as const).map((usage, i) => {
    const key = module.generateKey();
    const usages = i === 0 ? [usage] : ([usage, 'dataEncipherment', 'keyAgreement'] as const);
    const made = issue({ name: `${name} ${i}`, authority: false, usages, ...said }, key, by.key, by.name);
    return [made, pem('PRIVATE KEY', key.der)] as const;
  });
  const files = parts.flatMap(([made, key], i) => [save(`${name}-${i}.pem`, made), save(`${name}-${i}.key`, key)]);
  return { text: parts.flat().join(''), files };
}

before(
  async () => {
    module = await TlcpModule.load();
    tongsuo = new Tongsuo();
    const trusted = makeAuthority('trusted');
    const foreign = makeAuthority('foreign');
    authority = { text: trusted.text, file: save('ca.pem', trusted.text) };
    server = makePair('server', trusted, { hosts: ['localhost'] });
    clients['right'] = makePair('client', trusted);
    clients['foreign'] = makePair('stranger', foreign);
    clients['expired'] = makePair('late', trusted, { notAfter: new Date(Date.now() - DAY_MS) });
    clients['for servers only'] = makePair('wrong', trusted, { purposes: ['server'] });
  },
  { timeout: SET_UP_MS },
);

after(() => {
  tongsuo.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Carries bytes between the two until neither has any. */
async function pump(ours: Connection, theirs: TongsuoEnd, segment: number): Promise<void> {
  for (;;) {
    const up = ours.takeOutput();
    for (let at = 0; at < up.length; at += segment)
      await theirs.act('feed', up.subarray(at, Math.min(up.length, at + segment)));
    const down = theirs.takeOutput();
    for (let at = 0; at < down.length; at += segment)
      ours.receive(down.subarray(at, Math.min(down.length, at + segment)));
    if (up.length === 0 && down.length === 0) return;
  }
}

/** Both say something; then both close. */
async function talk(ours: Connection, theirs: TongsuoEnd, segment: number): Promise<void> {
  const said = randomBytes(segment === 1 ? 300 : 40_000);
  assert.ok(ours.send(said));
  await pump(ours, theirs, segment);
  assert.ok(Buffer.from(theirs.plain, 'hex').equals(said), 'what Tongsuo read');
  await theirs.act('write', said);
  await pump(ours, theirs, segment);
  assert.ok(ours.takePlain().equals(said), 'what the core read');
}

interface Ends {
  ours: Connection;
  theirs: TongsuoEnd;
}

interface Setup {
  suite: SuiteName;
  client: Pair | null;
  tickets: boolean;
  verify: boolean;
}

/** The core as the server of Tongsuo, or its client. */
class Meeting {
  private readonly role: 'server' | 'client';
  private readonly settings: number;
  private readonly context: Promise<number>;

  constructor(role: 'server' | 'client', { suite, client, tickets, verify }: Setup) {
    this.role = role;
    const identity = role === 'server' ? server : client;
    const theirPair = role === 'server' ? client : server;
    const options: SideOptions = {
      trust: authority.text,
      suites: [suite],
      clientAuth: verify ? 'required' : 'none',
      takesTickets: tickets,
      keepsSessions: !tickets,
      ...(identity ? { identity: identity.text } : {}),
      ...(role === 'server' && tickets ? { tickets: randomBytes(32) } : {}),
      ...(role === 'client' ? { host: 'localhost' } : {}),
    };
    this.settings = module.settings(options);
    this.context = tongsuo.context({
      server: role === 'client',
      suite: TONGSUO_NAMES[suite],
      ca: authority.file,
      pair: theirPair?.files ?? null,
      verify: role === 'server' || verify,
      tickets,
    });
  }

  async connect(segment: number, session: number | null = null): Promise<Ends> {
    const ours = module.connection(this.role, this.settings, this.role === 'client' ? (session ?? 0) : 0);
    const theirs = await tongsuo.open(await this.context, this.role === 'server' ? session : null);
    await pump(ours, theirs, segment);
    return { ours, theirs };
  }

  /** A session to resume, in the hands of the client. */
  session({ ours, theirs }: Ends): Promise<number> {
    return this.role === 'server' ? theirs.session() : Promise.resolve(ours.keepSession());
  }
}

for (const role of ['server', 'client'] as const) {
  describe(`the core as ${role}`, () => {
    for (const suite of SUITE_NAMES) {
      for (const tickets of [false, true]) {
        it(`${suite}: full, then resumed by ${tickets ? 'ticket' : 'id'}, in every segmentation`, async () => {
          const withClient = isEphemeral(suite) || tickets;
          const setup = { suite, tickets, client: withClient ? clients['right']! : null, verify: withClient };
          const meeting = new Meeting(role, setup);
          for (const segment of SEGMENTS) {
            const full = await meeting.connect(segment);
            assert.deepEqual(
              [full.ours.isOpen, full.theirs.last.state],
              [true, 'open'],
              JSON.stringify([full.ours.ending, full.theirs.last.error]),
            );
            assert.deepEqual([full.theirs.last.suite, full.theirs.last.resumed], [SUITES[suite], false]);
            await talk(full.ours, full.theirs, segment);
            const again = await meeting.connect(segment, await meeting.session(full));
            assert.deepEqual([again.ours.isOpen, again.theirs.last.state], [true, 'open'], again.theirs.last.error);
            assert.deepEqual([again.ours.isResumed, again.theirs.last.resumed], [true, true]);
            await talk(again.ours, again.theirs, segment);
            full.ours.close();
            await pump(full.ours, full.theirs, segment);
            assert.equal(full.theirs.last.state, 'closed');
            await again.theirs.act('close');
            await pump(again.ours, again.theirs, segment);
            assert.equal(again.ours.ending.inOrder, true);
          }
        });
      }

      for (const kind of ['none', 'foreign', 'expired', 'for servers only']) {
        it(`${suite}: client certificate ${kind}, and one is required`, async () => {
          const setup = { suite, client: clients[kind] ?? null, tickets: false, verify: true };
          const { ours, theirs } = await new Meeting(role, setup).connect(7);
          assert.equal(ours.isOpen && theirs.last.state === 'open', false);
          if (role === 'server' && !(kind === 'none' && isEphemeral(suite))) {
            const { alert, side } = ours.ending;
            assert.deepEqual([alert, side, theirs.last.state], [ALERTS[kind], 'this side', 'failed']);
          } else if (role === 'client' && !(kind === 'none' && isEphemeral(suite))) {
            assert.equal(ours.ending.side, 'the other side', 'Tongsuo refuses by an alert');
          } else assert.equal(ours.hasEnded || theirs.last.state === 'failed', true, 'the client stops by itself');
        });
      }
    }
  });
}

describe('renegotiation', () => {
  it('begun by Tongsuo is refused by a warning, and the connection goes on or is closed by Tongsuo', async () => {
    const meeting = new Meeting('server', { suite: 'ECC_SM4_GCM_SM3', client: null, tickets: false, verify: false });
    const { ours, theirs } = await meeting.connect(Infinity);
    await theirs.act('renegotiate');
    const hello = theirs.takeOutput();
    assert.ok(hello.length > 0);
    ours.receive(hello);
    assert.equal(ours.isOpen, true);
    assert.ok(ours.takeOutput().length > 0, 'no_renegotiation');
  });
});
