// National TLS with other implementations, in both roles: four suites, client certificates of every kind, full and resumed
// handshakes, flights whole and in pieces. What comes of it stands in the README of the core; FIM_UPDATE=1 writes it there.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SUITES, TlcpModule, type SuiteName } from '../../../scripts/fim/tlcp-module.ts';
import { KINDS, SUITE_NAMES, type Kind, type Way } from './kinds.ts';
import { Certificates, Meeting, pump, talk, type Ends } from './meeting.ts';
import { type Peer } from './peer.ts';

const SET_UP_MS = 600_000;
const SEGMENTS = [Infinity, 7, 1];
const README = join(import.meta.dirname, '../../../filters/tlcp/README.md');
/** Client certificates that are refused where one is required. */
const REFUSED = ['none', 'foreign', 'expired', 'wrong'];
/** Lines of the table, in order. */
const LINES = ['none', 'right', 'none, though required', 'foreign', 'expired', 'wrong'];
const ROLES = ['server', 'client'] as const;
/** Order of the columns of the table. */
const COLUMNS = [...SUITE_NAMES].sort((a, b) => SUITES[a] - SUITES[b]);
const isEphemeral = (suite: SuiteName): boolean => suite.startsWith('ECDHE');

let certificates: Certificates;
const peers = new Map<string, Peer>();
/** Cells of the table: by peer and role of the core, then by client certificate, then by suite. */
const table = new Map<string, Map<string, Map<SuiteName, string>>>();

before(
  async () => {
    certificates = new Certificates(await TlcpModule.load());
    for (const kind of KINDS) {
      const peer = kind.start();
      if (peer) peers.set(kind.name, peer);
    }
  },
  { timeout: SET_UP_MS },
);

after(() => {
  for (const peer of peers.values()) peer.end();
  certificates.remove();
});

function note(row: string, certificate: string, suite: SuiteName, said: string): void {
  const lines = table.get(row) ?? new Map<string, Map<SuiteName, string>>();
  table.set(row, lines);
  const cells = lines.get(certificate) ?? new Map<SuiteName, string>();
  lines.set(certificate, cells);
  const before = cells.get(suite);
  cells.set(suite, before === undefined || before === said ? said : `${before}, ${said}`);
}

function assertOpen({ ours, theirs }: Ends, suite: SuiteName, resumed: boolean): void {
  const why = JSON.stringify([ours.ending, theirs.last.error]);
  assert.deepEqual([ours.isOpen, theirs.last.state], [true, 'open'], why);
  assert.deepEqual([theirs.last.suite, theirs.last.resumed, ours.isResumed], [SUITES[suite], resumed, resumed]);
}

/** Full, then resumed by the ways that both have; data each way; closed by either. */
async function succeed(
  kind: Kind,
  role: (typeof ROLES)[number],
  suite: SuiteName,
  withClient: boolean,
): Promise<string> {
  const ways = kind.resumes[role === 'server' ? 'client' : 'server'];
  const client = withClient ? certificates.clients['right']! : null;
  for (const way of ways.length > 0 ? ways : (['id'] as Way[])) {
    const setup = { suite, client, asks: withClient, way };
    for (const segment of SEGMENTS) {
      const meeting = new Meeting(certificates, kind, peers.get(kind.name)!, role, setup);
      const full = await meeting.connect(segment);
      assertOpen(full, suite, false);
      assert.equal(role === 'server' && full.ours.hasPeer, role === 'server' && withClient);
      await talk(full, segment, kind.talkBytes);
      if (ways.length > 0) {
        const again = await meeting.connect(segment, await meeting.session(full));
        assertOpen(again, suite, true);
        await talk(again, segment, kind.talkBytes);
        await again.theirs.act('close');
        await pump(again.ours, again.theirs, segment);
        assert.equal(again.ours.ending.inOrder, true);
      }
      full.ours.close();
      await pump(full.ours, full.theirs, segment);
      assert.equal(full.theirs.last.state, 'closed');
      await full.theirs.forget();
    }
  }
  return ['full', ...ways].join(', ');
}

/** Somebody refuses, in every segmentation, by the alert that the table says. */
async function refuse(kind: Kind, role: (typeof ROLES)[number], suite: SuiteName, which: string): Promise<string> {
  const said = new Set<string>();
  const setup = { suite, client: certificates.clients[which] ?? null, asks: true, way: 'id' as Way };
  for (const segment of SEGMENTS) {
    const meeting = new Meeting(certificates, kind, peers.get(kind.name)!, role, setup);
    const { ours, theirs } = await meeting.connect(segment);
    const isOpen = ours.isOpen && theirs.last.state === 'open';
    assert.ok(role === 'client' || !isOpen, `${which} is refused`);
    if (isOpen) {
      said.add('it accepts'); // the other server's own judgement
      continue;
    }
    const { alert, side } = ours.ending;
    if (role === 'server') assert.notEqual(side, 'nobody');
    assert.equal(theirs.plain, '');
    assert.equal(ours.takePlain().length, 0);
    said.add(
      side === 'nobody'
        ? 'it goes away'
        : side === (role === 'server' ? 'this side' : 'the other side')
          ? alert
          : 'the client stops',
    );
    await theirs.forget();
  }
  return [...said].join(' or ');
}

for (const kind of KINDS) {
  for (const role of ROLES) {
    const row = `${kind.name} as ${role === 'server' ? 'client' : 'server'}`;
    describe(row, () => {
      for (const suite of kind.suites) {
        for (const withClient of isEphemeral(suite) ? [true] : [false, true])
          it(`${suite}: full and resumed, ${withClient ? 'with a' : 'without'} client certificate`, async () => {
            note(row, withClient ? 'right' : 'none', suite, await succeed(kind, role, suite, withClient));
          });
        for (const which of REFUSED)
          it(`${suite}: client certificate ${which}, and one is required`, async () => {
            const line = which === 'none' ? 'none, though required' : which;
            note(row, line, suite, await refuse(kind, role, suite, which));
          });
      }
    });
  }
}

describe('renegotiation', () => {
  it('begun by Tongsuo is refused by a warning, and the connection goes on or is closed by Tongsuo', async () => {
    const setup = { suite: 'ECC_SM4_GCM_SM3', client: null, asks: false, way: 'id' } as const;
    const kind = KINDS[0]!;
    const meeting = new Meeting(certificates, kind, peers.get(kind.name)!, 'server', setup);
    const { ours, theirs } = await meeting.connect(Infinity);
    await theirs.act('renegotiate');
    const hello = theirs.takeOutput();
    assert.ok(hello.length > 0);
    ours.receive(hello);
    assert.equal(ours.isOpen, true);
    assert.ok(ours.takeOutput().length > 0, 'no_renegotiation');
  });
});

describe('the README', () => {
  it('says what was seen', () => {
    const before = readFileSync(README, 'utf8');
    let text = before;
    for (const kind of KINDS) {
      const lines: string[] = [];
      for (const [row, kinds] of table)
        if (row.startsWith(`${kind.name} as `))
          for (const which of LINES) {
            const cells = COLUMNS.map((suite) => kinds.get(which)?.get(suite) ?? '');
            lines.push(`| ${row} | ${which} | ${cells.join(' | ')} |\n`);
          }
      if (lines.length === 0) continue; // left out of this run
      const block = new RegExp(`(?:^\\| ${kind.name.replaceAll('.', '\\.')} as .*\\n)+`, 'm');
      assert.match(text, block, `${kind.name} has rows`);
      text = text.replace(block, lines.join(''));
    }
    if (process.env['FIM_UPDATE'] === '1') writeFileSync(README, text);
    else assert.equal(text, before, 'FIM_UPDATE=1 npm run test:peers -- tlcp writes it');
  });
});
