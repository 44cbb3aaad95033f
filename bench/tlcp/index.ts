// National TLS side by side: processor time of a server for a handshake, of Tongsuo and of this core, with one client and
// in rounds that alternate; and records against what protects them. Results are checked before anything is timed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { certificate, pem } from '../../scripts/fim/tlcp-certificate.ts';
import { SUITES, TlcpModule, type Connection, type KeyPair, type SuiteName } from '../../scripts/fim/tlcp-module.ts';
import { GOTLCP_FOLDER, gotlcp, tongsuo, type Peer } from '../../test/peers/tlcp/peer.ts';
import { connections } from './connections.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DAY_MS = 86_400_000;
const ROUNDS = 60;
const HANDSHAKES = 8;
const BULK_BYTES = 1024 * 1024;
const RECORD_BYTES = 16_384;
const NANOS_PER_MICRO = 1000;
const MICROS_PER_MS = 1000;

interface Case {
  name: string;
  suite: SuiteName;
  tongsuo: string;
  withClient: boolean;
  resumed: boolean;
}

const CASES: Case[] = [
  { name: 'full, ECC', suite: 'ECC_SM4_GCM_SM3', tongsuo: 'ECC-SM2-SM4-GCM-SM3', withClient: false, resumed: false },
  {
    name: 'full, ECC, client certificate',
    suite: 'ECC_SM4_GCM_SM3',
    tongsuo: 'ECC-SM2-SM4-GCM-SM3',
    withClient: true,
    resumed: false,
  },
  {
    name: 'full, ECDHE',
    suite: 'ECDHE_SM4_GCM_SM3',
    tongsuo: 'ECDHE-SM2-SM4-GCM-SM3',
    withClient: true,
    resumed: false,
  },
  {
    name: 'resumed by ticket',
    suite: 'ECC_SM4_GCM_SM3',
    tongsuo: 'ECC-SM2-SM4-GCM-SM3',
    withClient: false,
    resumed: true,
  },
];

interface Figure {
  subject: string;
  tongsuoMicros?: number;
  /** gotlcp, if it is there. */
  goMicros?: number;
  ownMicros: number;
  ratio: number;
}

interface Finished {
  client: Connection;
  micros: number;
}

class Bench {
  private readonly module: TlcpModule;
  private readonly folder: string;
  private readonly tongsuo = tongsuo();
  private readonly go = gotlcp();
  private readonly authority: { key: KeyPair; text: string; file: string };
  private readonly server: { text: string; files: string[] };
  private readonly client: { text: string; files: string[] };

  constructor(module: TlcpModule, folder: string) {
    this.module = module;
    this.folder = folder;
    const key = module.generateKey();
    const text = this.issue({ name: 'authority', authority: {}, usages: ['keyCertSign'] }, key, key);
    this.authority = { key, text, file: this.save('ca.pem', text) };
    this.server = this.pair('server');
    this.client = this.pair('client');
  }

  end(): void {
    this.tongsuo.end();
    this.go?.end();
  }

  private save(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text);
    return join(this.folder, name);
  }

  private issue(
    said: Omit<Parameters<typeof certificate>[0], 'issuer' | 'serial' | 'notBefore' | 'notAfter' | 'point' | 'sign'>,
    key: KeyPair,
    by: KeyPair,
  ): string {
    const common = { issuer: 'authority', serial: Buffer.concat([Buffer.from([1]), randomBytes(8)]) };
    const life = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
    return pem('CERTIFICATE', certificate({ ...common, ...life, point: key.point, sign: by.sign, ...said }));
  }

  private pair(name: string): { text: string; files: string[] } {
    const parts = (['digitalSignature', 'keyAgreement'] as const).flatMap((usage) => {
      const key = this.module.generateKey();
      const usages = usage === 'keyAgreement' ? ([usage, 'keyEncipherment'] as const) : [usage];
      return [this.issue({ name, usages, hosts: ['localhost'] }, key, this.authority.key), pem('PRIVATE KEY', key.der)];
    });
    return { text: parts.join(''), files: parts.map((text, i) => this.save(`${name}-${i}.pem`, text)) };
  }

  /** Least of rounds in which both servers take turns with one client. */
  async handshakes({ name, suite, tongsuo, withClient, resumed }: Case): Promise<Figure> {
    const { module } = this;
    const identity = withClient ? { identity: this.client.text } : {};
    const mine = module.settings({
      trust: this.authority.text,
      identity: this.server.text,
      suites: [suite],
      clientAuth: withClient ? 'required' : 'none',
      keepsSessions: false,
      tickets: randomBytes(32),
    });
    const asking = module.settings({
      trust: this.authority.text,
      suites: [suite],
      host: 'localhost',
      takesTickets: resumed,
      ...identity,
    });
    const theirs = await this.tongsuo.context({
      server: true,
      suite: tongsuo,
      ca: this.authority.file,
      pair: this.server.files,
      verify: withClient,
      tickets: resumed,
      bare: true,
    });
    const go = await this.go?.context({
      server: true,
      suite: SUITES[suite],
      ca: this.authority.file,
      pair: this.server.files,
      verify: withClient,
      tickets: false,
      sessions: resumed,
    });
    const subjects: (() => Promise<Finished>)[] = [];
    const sessions = [0, 0, 0];
    subjects.push(() => Promise.resolve(this.own(mine, asking, sessions[0]!)));
    subjects.push(() => this.other(this.tongsuo, theirs, asking, sessions[1]!));
    if (go !== undefined) subjects.push(() => this.other(this.go!, go, asking, sessions[2]!));
    const least = subjects.map(() => Infinity);
    for (let round = 0; round <= ROUNDS; round++) {
      const micros = subjects.map(() => 0);
      for (let i = 0; i < (round === 0 ? 1 : HANDSHAKES); i++)
        for (const [which, run] of subjects.entries()) {
          const { client, micros: taken } = await run();
          assert.equal(client.isResumed, round > 0 && resumed, name);
          if (round === 0 && resumed) sessions[which] = client.keepSession();
          client.drop();
          micros[which]! += taken / HANDSHAKES;
        }
      if (round > 0) for (const [which, taken] of micros.entries()) least[which] = Math.min(least[which]!, taken);
    }
    const [own = 0, their = 0, other] = least;
    const alsoGo = other === undefined ? {} : { goMicros: other };
    return { subject: name, tongsuoMicros: their, ...alsoGo, ownMicros: own, ratio: their / own };
  }

  private own(settings: number, asking: number, session: number): Finished {
    const server = this.module.connection('server', settings);
    const client = this.module.connection('client', asking, session);
    let micros = 0;
    for (let i = 0; i < 3; i++) {
      const up = client.takeOutput();
      const started = performance.now();
      server.receive(up);
      micros += (performance.now() - started) * MICROS_PER_MS;
      client.receive(server.takeOutput());
    }
    assert.ok(server.isOpen && client.isOpen, server.ending.reason);
    server.drop();
    return { client, micros };
  }

  private async other(peer: Peer, context: number, asking: number, session: number): Promise<Finished> {
    const server = await peer.open(context, null);
    const client = this.module.connection('client', asking, session);
    for (let i = 0; i < 3; i++) {
      await server.act('feed', client.takeOutput());
      client.receive(server.takeOutput());
    }
    assert.ok(server.last.state === 'open' && client.isOpen, server.last.error);
    await server.forget();
    return { client, micros: server.last.nanos / NANOS_PER_MICRO };
  }

  /** A mebibyte each way through a connection, against what protects it. */
  bulk(suite: SuiteName): Figure[] {
    const { module } = this;
    const cipher = compileCipher();
    const mode = suite.includes('GCM') ? 'Gcm' : 'Cbc';
    const server = module.connection('server', module.settings({ identity: this.server.text, suites: [suite] }));
    const client = module.connection(
      'client',
      module.settings({ trust: this.authority.text, suites: [suite], host: 'localhost' }),
    );
    for (let i = 0; i < 3; i++) {
      server.receive(client.takeOutput());
      client.receive(server.takeOutput());
    }
    assert.ok(server.isOpen && client.isOpen);
    const data = randomBytes(BULK_BYTES);
    const least = { seal: Infinity, open: Infinity, sealAlone: Infinity, openAlone: Infinity };
    const time = (which: keyof typeof least, run: () => void): void => {
      const started = performance.now();
      run();
      least[which] = Math.min(least[which], (performance.now() - started) * MICROS_PER_MS);
    };
    const pieces = BULK_BYTES / RECORD_BYTES;
    for (let round = 0; round < ROUNDS; round++) {
      time('seal', () => assert.ok(client.send(data)));
      const sent = client.takeOutput();
      time('open', () => server.receive(sent));
      assert.ok(server.takePlain().equals(data), 'what came is what was sent');
      time('sealAlone', () => {
        for (let i = 0; i < pieces; i++) cipher[`seal${mode}`]!(RECORD_BYTES);
      });
      time('openAlone', () => {
        for (let i = 0; i < pieces; i++) cipher[`open${mode}`]!(RECORD_BYTES);
      });
    }
    const figure = (what: string, own: number, alone: number): Figure => ({
      subject: `1 MiB ${what}, SM4-${mode.toUpperCase()}`,
      ownMicros: own,
      ratio: own / alone,
    });
    return [figure('sent', least.seal, least.sealAlone), figure('received', least.open, least.openAlone)];
  }
}

function compileCipher(): Record<string, (length: number) => number> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-'));
  try {
    const file = join(folder, 'cipher.wasm');
    const compiler = ['node_modules/assemblyscript/bin/asc.js', 'bench/tlcp/cipher.module.ts', '-o', file];
    execFileSync(process.execPath, [...compiler, '--config', 'asconfig.json', '--target', 'release'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const none = new Proxy({}, { get: () => new Proxy({}, { get: () => () => 0 }) });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), none);
    const made = exports as unknown as Record<string, (length: number) => number>;
    made['_initialize']!(0);
    made['prepare']!(0);
    return made;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `npm run bench -- tlcp [--json FILE]`, and `npm run bench -- tlcp connections` */
export async function main(args: string[]): Promise<void> {
  if (args[0] === 'connections') return connections();
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-tlcp-'));
  const bench = new Bench(await TlcpModule.load(), folder);
  try {
    const figures: Figure[] = [];
    for (const one of CASES) figures.push(await bench.handshakes(one));
    console.log('server, µs a handshake             Tongsuo  gotlcp    this   times as fast as Tongsuo, gotlcp');
    for (const { subject, tongsuoMicros = 0, goMicros, ownMicros, ratio } of figures) {
      const times = [ratio, ...(goMicros === undefined ? [] : [goMicros / ownMicros])].map((one) => one.toFixed(2));
      const micros = [tongsuoMicros, goMicros, ownMicros].map((one) => (one?.toFixed(0) ?? '-').padStart(7));
      console.log(`${subject.padEnd(34)} ${micros.join(' ')}   ${times.join(', ')}`);
    }
    if (GOTLCP_FOLDER === '') console.log('gotlcp: set FIM_GOTLCP to the folder of its sources');
    const bulk = (['ECC_SM4_GCM_SM3', 'ECC_SM4_CBC_SM3'] as const).flatMap((suite) => bench.bulk(suite));
    console.log('\nrecords                               µs   times what protects them alone');
    for (const { subject, ownMicros, ratio } of bulk)
      console.log(`${subject.padEnd(32)} ${ownMicros.toFixed(0).padStart(9)}   ${ratio.toFixed(2)}`);
    const to = args.indexOf('--json');
    if (to >= 0)
      writeFileSync(args[to + 1] ?? 'bench-tlcp.json', `${JSON.stringify([...figures, ...bulk], null, 2)}\n`);
  } finally {
    bench.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
