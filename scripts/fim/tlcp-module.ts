// The core of national TLS as a module of this process: filters/tlcp/index.ts behind TypeScript.
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { buildModules } from '../build.ts';
import { progress } from './terminal.ts';

interface TlcpExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  room(bytes: number): number;
  wipeRoom(): void;
  selfTest(): number;
  collect(): void;
  writeReason(reason: number): number;
  writeAlert(alert: number): number;
  writeFault(fault: number): number;
  newSettings(): number;
  setSuites(settings: number, count: number): void;
  trust(settings: number, length: number): number;
  identify(settings: number, chain: number, one: number, other: number): number;
  setPolicy(settings: number, auth: number, takesTickets: boolean, keepsSessions: boolean, tickets: number): void;
  setVariants(
    settings: number,
    framesShare: boolean,
    signsMessages: boolean,
    sendsSignOnly: boolean,
    sendsAuthorities: boolean,
  ): void;
  setExchange(settings: number, bytes: number, idLength: number): void;
  setHost(settings: number, length: number): void;
  setProtocols(settings: number, length: number): void;
  setNow(settings: number, seconds: number): void;
  setChecks(settings: number, checks: boolean): void;
  newServer(settings: number): number;
  newClient(settings: number, session: number): number;
  keepSession(connection: number): number;
  hasTicket(session: number): number;
  drop(handle: number): void;
  receive(connection: number, length: number): number;
  send(connection: number, length: number): number;
  close(connection: number): void;
  expire(connection: number, ageMs: number): void;
  outputLength(connection: number): number;
  outputStart(connection: number): number;
  outputTaken(connection: number, bytes: number): void;
  plainLength(connection: number): number;
  plainStart(connection: number): number;
  plainTaken(connection: number, bytes: number): void;
  addLists(settings: number, length: number): number;
  setRevocation(settings: number, fallback: number, asks: boolean, needsNonce: boolean, digest: number): void;
  revocationCount(settings: number, which: number): number;
  writeListFault(fault: number): number;
  writeAnswerFault(fault: number): number;
  writeQuestion(connection: number): number;
  writeResponder(connection: number): number;
  answer(connection: number, length: number): number;
  answerFault(connection: number): number;
  stateOf(connection: number): number;
  reasonOf(connection: number): number;
  alertSent(connection: number): number;
  alertReceived(connection: number): number;
  faultOf(connection: number): number;
  suiteOf(connection: number): number;
  isResumed(connection: number): number;
  hasPeer(connection: number): number;
  wasAsked(connection: number): number;
  writeProtocol(connection: number): number;
  writeServerName(connection: number): number;
  writeCertificate(connection: number, index: number): number;
  generateKey(): number;
  signWith(key: number, length: number): number;
  publicOf(key: number): number;
}

/** Suites by the names of the standard. */
export const SUITES = {
  ECDHE_SM4_GCM_SM3: 0xe051,
  ECC_SM4_GCM_SM3: 0xe053,
  ECDHE_SM4_CBC_SM3: 0xe011,
  ECC_SM4_CBC_SM3: 0xe013,
} as const;
export type SuiteName = keyof typeof SUITES;

/** Verdict where nothing says whether a certificate was revoked, by number. */
export const FALLBACKS = ['refuse', 'accept', 'last-good'] as const;

/** States and numbers of filters/tlcp that are looked at here. */
const OPEN = 12;
const FAILED = 14;
const PEER_ALERT = 1;
const PEER_CLOSED = 2;
const CERTIFICATE = 17;
const NO_ALERT = 255;
const NO_KEY = -1;
const PRE_MASTER_BYTES = 48;

/** Trust, identity and requirements of one side. PEM texts. */
export interface SideOptions {
  trust?: string;
  /** Certificates and keys of the pair, in any order. */
  identity?: string;
  suites?: readonly SuiteName[];
  /** Host that a client connects to. */
  host?: string;
  protocols?: readonly string[];
  /** Server only. */
  clientAuth?: 'none' | 'optional' | 'required';
  takesTickets?: boolean;
  keepsSessions?: boolean;
  /** Keys of tickets of a server, 32 bytes each. */
  tickets?: Uint8Array;
  /** Messages of a client that differ between implementations: see filters/tlcp/README.md. */
  framesShare?: boolean;
  signsMessages?: boolean;
  sendsSignOnly?: boolean;
  sendsAuthorities?: boolean;
  /** Key exchange of ECDHE: bytes of the pre-master secret (48), user id of both sides. */
  exchangeBytes?: number;
  exchangeId?: string;
  /** Whether a client minds the server's certificates. */
  checks?: boolean;
  /** Revocation lists, PEM or DER, and what is done beside them. */
  lists?: readonly Uint8Array[];
  revocation?: { fallback: (typeof FALLBACKS)[number]; asks: boolean; digest: number };
}

/** A question to an OCSP responder. */
export interface OcspQuestion {
  request: Buffer<ArrayBuffer>;
  /** The URI that the certificate names; empty: none. */
  responder: string;
}

/** End of a connection. */
export interface Ending {
  reason: string;
  /** The alert and who sent it. */
  alert: string;
  side: 'this side' | 'the other side' | 'nobody';
  /** In order, by `close_notify`. */
  inOrder: boolean;
}

/** An SM2 key. */
export interface KeyPair {
  /** PKCS#8. */
  der: Buffer;
  /** x ‖ y. */
  point: Buffer;
  sign: (message: Buffer) => Buffer;
}

const KEY_BLOCK = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----[^-]+-----END \1-----/g;

/** One instance of the module. */
export class TlcpModule {
  private readonly core: TlcpExports;

  constructor(wasm: Uint8Array<ArrayBuffer>) {
    const random_get = (at: number, length: number): number => {
      randomFillSync(new Uint8Array(this.core.memory.buffer, at >>> 0, length));
      return 0;
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { wasi_snapshot_preview1: { random_get } });
    this.core = instance.exports as unknown as TlcpExports;
    this.core._initialize();
    if (this.core.selfTest() === 0) throw new Error('the self-test of SM2 failed');
  }

  /** Builds the module if need be. Errors: FIM-UP-0003. */
  static async load(): Promise<TlcpModule> {
    const [built] = await buildModules(['tlcp'], progress);
    return new TlcpModule(new Uint8Array(readFileSync(built!.path)));
  }

  /** Settings of a side. Errors: FIM-TLCP-0002, with `origin` of what cannot be used. */
  settings(options: SideOptions): number {
    const { core } = this;
    const made = core.newSettings();
    if (options.trust !== undefined) this.check(core.trust(made, this.put(options.trust)), 'trust anchors');
    if (options.identity !== undefined) this.identify(made, options.identity);
    if (options.suites) {
      const list = options.suites.map((name) => SUITES[name]);
      this.put(Uint8Array.from(list.flatMap((suite) => [suite >> 8, suite & 255])));
      core.setSuites(made, list.length);
    }
    if (options.host !== undefined) core.setHost(made, this.put(options.host));
    if (options.protocols) {
      core.setProtocols(
        made,
        this.put(options.protocols.map((name) => String.fromCharCode(name.length) + name).join('')),
      );
    }
    const tickets = options.tickets ?? new Uint8Array(0);
    this.put(tickets);
    const auth = ['none', 'optional', 'required'].indexOf(options.clientAuth ?? 'none');
    core.setPolicy(made, auth, options.takesTickets ?? false, options.keepsSessions ?? true, tickets.length / 32);
    const { framesShare = false, signsMessages = false, sendsSignOnly = false, sendsAuthorities = true } = options;
    core.setVariants(made, framesShare, signsMessages, sendsSignOnly, sendsAuthorities);
    core.setExchange(made, options.exchangeBytes ?? PRE_MASTER_BYTES, this.put(options.exchangeId ?? ''));
    core.setChecks(made, options.checks ?? true);
    for (const list of options.lists ?? []) {
      const fault = core.addLists(made, this.put(list));
      if (fault !== 0)
        throw new CodedError('FIM-TLCP-0002', `revocation list: ${this.text(core.writeListFault(fault))}`);
    }
    const { fallback = 'refuse', asks = false, digest = 0 } = options.revocation ?? {};
    core.setRevocation(made, FALLBACKS.indexOf(fallback), asks, false, digest);
    return made;
  }

  private identify(settings: number, text: string): void {
    const keys = text.match(KEY_BLOCK) ?? [];
    const chain = text.replaceAll(KEY_BLOCK, '');
    const [one = '', other = ''] = keys;
    if (keys.length === 0 || keys.length > 2)
      throw new CodedError('FIM-TLCP-0002', `own certificates: ${keys.length} private keys, and one or two are wanted`);
    const chainBytes = Buffer.from(chain);
    this.put(Buffer.concat([chainBytes, Buffer.from(one), Buffer.from(other)]));
    const fault = this.core.identify(settings, chainBytes.length, one.length, other.length);
    this.core.wipeRoom();
    if (fault === NO_KEY) throw new CodedError('FIM-TLCP-0002', 'own certificates: a private key is none of SM2');
    this.check(fault, 'own certificates');
  }

  private check(fault: number, origin: string): void {
    if (fault !== 0) throw new CodedError('FIM-TLCP-0002', `${origin}: ${this.text(this.core.writeFault(fault))}`);
  }

  /** A client's or server's end. `session`: of `keepSession`, or 0. */
  connection(role: 'client' | 'server', settings: number, session = 0): Connection {
    this.core.setNow(settings, Math.floor(Date.now() / 1000));
    const handle = role === 'server' ? this.core.newServer(settings) : this.core.newClient(settings, session);
    return new Connection(this, this.core, handle);
  }

  drop(settings: number): void {
    this.core.drop(settings);
    this.core.collect();
  }

  generateKey(): KeyPair {
    const { core } = this;
    const der = this.bytes(core.generateKey());
    core.wipeRoom();
    core.publicOf(this.put(der));
    const point = this.bytes(64);
    const sign = (message: Buffer): Buffer => {
      this.put(Buffer.concat([der, message]));
      return this.bytes(core.signWith(der.length, message.length));
    };
    return { der, point, sign };
  }

  /** Puts bytes into the room; how many. */
  put(data: string | Uint8Array): number {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const at = this.core.room(bytes.length) >>> 0; // before the memory is looked at: it may grow
    new Uint8Array(this.core.memory.buffer).set(bytes, at);
    return bytes.length;
  }

  /** Content of the room. */
  bytes(length: number): Buffer<ArrayBuffer> {
    return Buffer.from(new Uint8Array(this.core.memory.buffer, this.core.room(1) >>> 0, length));
  }

  text(length: number): string {
    return this.bytes(length).toString();
  }
}

/** One end of a connection: bytes in, bytes out. */
export class Connection {
  private readonly module: TlcpModule;
  private readonly core: TlcpExports;
  private readonly handle: number;

  constructor(module: TlcpModule, core: TlcpExports, handle: number) {
    this.module = module;
    this.core = core;
    this.handle = handle;
  }

  get isOpen(): boolean {
    return this.core.stateOf(this.handle) === OPEN;
  }

  get hasEnded(): boolean {
    return this.core.stateOf(this.handle) > OPEN;
  }

  /** Takes bytes of the network. */
  receive(data: Uint8Array): void {
    this.core.receive(this.handle, this.module.put(data));
  }

  /** Takes bytes of the application; false: it is not open. */
  send(data: Uint8Array): boolean {
    return this.core.send(this.handle, this.module.put(data)) !== 0;
  }

  close(): void {
    this.core.close(this.handle);
  }

  /** Ends a handshake that is older than it may be. */
  expire(ageMs: number): void {
    this.core.expire(this.handle, ageMs);
  }

  /** Output to send. */
  takeOutput(): Buffer {
    const { core, handle } = this;
    return this.take(core.outputStart(handle), core.outputLength(handle), (n) => core.outputTaken(handle, n));
  }

  /** Plaintext for the application. */
  takePlain(): Buffer {
    const { core, handle } = this;
    return this.take(core.plainStart(handle), core.plainLength(handle), (n) => core.plainTaken(handle, n));
  }

  private take(start: number, length: number, taken: (bytes: number) => void): Buffer {
    const bytes = Buffer.from(new Uint8Array(this.core.memory.buffer, start >>> 0, length));
    if (length > 0) taken(length);
    return bytes;
  }

  /** The suite, once it is agreed on. */
  get suite(): SuiteName | null {
    const number = this.core.suiteOf(this.handle);
    return (Object.keys(SUITES) as SuiteName[]).find((name) => SUITES[name] === number) ?? null;
  }

  get isResumed(): boolean {
    return this.core.isResumed(this.handle) !== 0;
  }

  /** Whether the other side proved who it is. */
  get hasPeer(): boolean {
    return this.core.hasPeer(this.handle) !== 0;
  }

  /** Whether the server asked for certificates. */
  get wasAsked(): boolean {
    return this.core.wasAsked(this.handle) !== 0;
  }

  get protocol(): string {
    return this.module.text(this.core.writeProtocol(this.handle));
  }

  /** The name that a client asked for. */
  get serverName(): string {
    return this.module.text(this.core.writeServerName(this.handle));
  }

  /** Fault of the other side's certificates. Empty: none. */
  get certificateFault(): string {
    return this.module.text(this.core.writeFault(this.core.faultOf(this.handle)));
  }

  /** The open question to a responder; the handshake goes on with `answer`. */
  get question(): OcspQuestion | null {
    const length = this.core.writeQuestion(this.handle);
    if (length === 0) return null;
    const request = this.module.bytes(length);
    return { request, responder: this.module.text(this.core.writeResponder(this.handle)) };
  }

  /** The body of a responder's answer; no bytes: there is none. */
  answer(der: Uint8Array): void {
    this.core.answer(this.handle, this.module.put(der));
  }

  /** Why the last answer counted as none. Empty: it counted. */
  get answerFault(): string {
    return this.module.text(this.core.writeAnswerFault(this.core.answerFault(this.handle)));
  }

  /** Certificates that the server sent, DER. */
  get certificates(): Buffer[] {
    const found: Buffer[] = [];
    for (;;) {
      const length = this.core.writeCertificate(this.handle, found.length);
      if (length === 0) return found;
      found.push(this.module.bytes(length));
    }
  }

  /** Keeps the session for a later connection; 0: there is none. */
  keepSession(): number {
    return this.core.keepSession(this.handle);
  }

  hasTicket(session: number): boolean {
    return session !== 0 && this.core.hasTicket(session) !== 0;
  }

  get ending(): Ending {
    const { core, handle, module } = this;
    const number = core.reasonOf(handle);
    const byPeer = number === PEER_ALERT || number === PEER_CLOSED;
    const alert = byPeer ? core.alertReceived(handle) : core.alertSent(handle);
    let reason = module.text(core.writeReason(number));
    if (number === CERTIFICATE) reason += `: ${this.certificateFault}`;
    return {
      reason,
      alert: alert === NO_ALERT ? '' : module.text(core.writeAlert(alert)) || `alert ${alert}`,
      side: alert === NO_ALERT ? 'nobody' : byPeer ? 'the other side' : 'this side',
      inOrder: core.stateOf(handle) !== FAILED,
    };
  }

  drop(): void {
    this.core.drop(this.handle);
  }
}
