// The listener of national TLS on the host: its two filters in one machine, a KMS, and clients that are the core
// itself.
import { readFileSync } from 'node:fs';
import {
  ClientConnection,
  createVm,
  loadModule,
  VirtualClock,
  type RootContext,
  type Vm,
  type VmOptions,
} from '../../../envoy/host/index.ts';
import type { LoadedModule } from '../../../envoy/host/index.ts';
import { buildModules } from '../../../scripts/build.ts';
import { developmentCertificates } from '../../../scripts/fim/tlcp-certs.ts';
import { SUITES, TlcpModule, type Connection, type SideOptions } from '../../../scripts/fim/tlcp-module.ts';
import { TestKms, stored } from '../../kms/test-kms.ts';

const SIGN = 'bank/tlcp/sign';
const ENCRYPT = 'bank/tlcp/encrypt';
/** In every answer of the upstream: it must not be seen on the wire. */
export const SECRET = 'what only the client may read';
const KEYS_MS = 1000;
const DAYS = 30;
/** Flights between two ends until neither has any. */
const MOST_ROUNDS = 500;

/** Parts that all listeners of a test file share. */
export class Setting {
  readonly module: LoadedModule;
  readonly core: TlcpModule;
  readonly files: Record<string, string>;

  private constructor(module: LoadedModule, core: TlcpModule, files: Record<string, string>) {
    this.module = module;
    this.core = core;
    this.files = files;
  }

  static async make(): Promise<Setting> {
    const [built] = await buildModules(['tlcp-listener']);
    const files = await developmentCertificates(['localhost'], DAYS);
    return new Setting(loadModule(readFileSync(built!.path)), await TlcpModule.load(), files);
  }
}

export class Listener {
  readonly vm: Vm;
  readonly kms = new TestKms();
  readonly setting: Setting;
  readonly accepted: boolean;
  private filter: RootContext;
  private readonly connections: Record<string, unknown>;
  private readonly requests: RootContext;
  private opened = 0;

  /** `more`: members of its connections' configuration beside the usual ones. */
  constructor(
    setting: Setting,
    options: VmOptions = {},
    clientAuth: 'None' | 'Required' = 'None',
    more: Record<string, unknown> = {},
  ) {
    this.setting = setting;
    const { files } = setting;
    this.kms.keys.set(SIGN, { 1: stored('SM2-PRIVATE', Buffer.from(files['server-sign.key']!)) });
    this.kms.keys.set(ENCRYPT, { 1: stored('SM2-PRIVATE', Buffer.from(files['server-encrypt.key']!)) });
    const clock = new VirtualClock();
    clock.stepRealtime(Date.now() - Number(clock.realtimeNs / 1_000_000n));
    this.vm = createVm(setting.module, { clock, httpCall: this.kms.call, ...options });
    this.connections = {
      suites: [SUITES.ECC_SM4_GCM_SM3, SUITES.ECC_SM4_CBC_SM3, SUITES.ECDHE_SM4_GCM_SM3],
      clientAuth,
      trust: files['ca.pem'],
      pairs: [
        {
          chain: files['server-sign.pem']! + files['server-encrypt.pem']!,
          signKey: `kms://${SIGN}`,
          encryptKey: `kms://${ENCRYPT}`,
        },
      ],
      ...more,
    };
    const filter = this.configure(this.connections);
    const requests = this.vm.configureUntried(JSON.stringify({ version: '1.0', requests: { required: true } }));
    this.filter = filter.root;
    this.requests = requests.root;
    this.accepted = filter.accepted && requests.accepted;
  }

  private configure(connections: Record<string, unknown>): ReturnType<Vm['configureUntried']> {
    return this.vm.configureUntried(JSON.stringify({ version: '1.0', kms: { cluster: 'kms' }, connections }));
  }

  /** An edit of members of the connections' configuration, for connections that come from then on. */
  edit(more: Record<string, unknown>): this {
    const { root, accepted } = this.configure({ ...this.connections, ...more });
    if (!accepted) throw new Error('the edit is refused');
    this.filter = root;
    return this.takeKeys();
  }

  /** Time in which the keys come. */
  takeKeys(): this {
    this.vm.clock.advance(KEYS_MS);
    return this;
  }

  /** `reads`: what the proxy's parser reads in the place of a head. */
  connect(
    options: SideOptions & { session?: number } = {},
    segment = Infinity,
    reads = (head: string): string => head,
  ): Client {
    const answer = (_: unknown, body: Buffer): Buffer => Buffer.concat([Buffer.from(SECRET), body]);
    const proxy = new ClientConnection(this.filter, [this.requests], { number: ++this.opened, answer, reads });
    return new Client(this, proxy, options, segment);
  }
}

/** A client at the other end of the wire. */
export class Client {
  readonly proxy: ClientConnection;
  readonly core: Connection;
  heard = '';
  private readonly listener: Listener;
  private readonly segment: number;
  private seen = 0;

  constructor(
    listener: Listener,
    proxy: ClientConnection,
    options: SideOptions & { session?: number },
    segment: number,
  ) {
    const { session = 0, ...side } = options;
    const { core, files } = listener.setting;
    this.listener = listener;
    this.proxy = proxy;
    this.segment = segment;
    const settings = core.settings({
      trust: files['ca.pem']!,
      host: 'localhost',
      suites: ['ECC_SM4_GCM_SM3'],
      identity: files['client.pem']!,
      takesTickets: true,
      ...side,
    });
    this.core = core.connection('client', settings, session);
  }

  /** Carries bytes both ways until neither side has any. */
  pump(): this {
    const { clock } = this.listener.vm;
    for (let round = 0; ; round++) {
      if (round > MOST_ROUNDS) throw new Error('the two never fall silent');
      const up = this.core.takeOutput();
      for (let at = 0; at < up.length; at += this.segment)
        this.proxy.receive(up.subarray(at, Math.min(up.length, at + this.segment)));
      clock.advance(0);
      const down = this.proxy.wire.subarray(this.seen);
      this.seen = this.proxy.wire.length;
      this.core.receive(down);
      this.heard += this.core.takePlain().toString('latin1');
      if (up.length === 0 && down.length === 0) return this;
    }
  }

  say(text: string): this {
    this.core.send(Buffer.from(text, 'latin1'));
    return this.pump();
  }

  /** Virtual time goes by. */
  wait(ms: number): this {
    this.listener.vm.clock.advance(ms);
    return this.pump();
  }
}

/** Whether bytes are records of national TLS and nothing else. */
export function isRecords(wire: Buffer): boolean {
  let at = 0;
  while (at + 5 <= wire.length) {
    if (wire[at]! < 20 || wire[at]! > 23 || wire.readUInt16BE(at + 1) !== 0x0101) return false;
    at += 5 + wire.readUInt16BE(at + 3);
  }
  return at === wire.length;
}
