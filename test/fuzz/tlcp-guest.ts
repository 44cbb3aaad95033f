// Connections of national TLS in the test module, two ends in one process.
import { readFileSync } from 'node:fs';
import { compileGuest, type Guest, type GuestExports } from './guest.ts';

interface TlcpExports extends GuestExports {
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
  dictate(settings: number, length: number): void;
  chanceLeft(settings: number): number;
  newServer(settings: number): number;
  newClient(settings: number, session: number): number;
  keepSession(connection: number): number;
  drop(connection: number): void;
  collect(): void;
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
  writeQuestion(connection: number): number;
  writeResponder(connection: number): number;
  answer(connection: number, length: number): number;
  answerFault(connection: number): number;
  askAbout(certificate: number, issuer: number): number;
  readAnswer(length: number, now: number): number;
  stateOf(connection: number): number;
  reasonOf(connection: number): number;
  alertSent(connection: number): number;
  alertReceived(connection: number): number;
  faultOf(connection: number): number;
  suiteOf(connection: number): number;
  isResumed(connection: number): number;
  hasPeer(connection: number): number;
  writeProtocol(connection: number): number;
  writeServerName(connection: number): number;
  hasTicket(session: number): number;
  writeCertificate(connection: number, index: number): number;
  generateKey(): number;
  signWith(key: number, length: number): number;
  publicOf(key: number): number;
}

/** States of filters/tlcp/connection.ts that a test looks for. */
export const OPEN = 12;
export const CLOSED = 13;
export const FAILED = 14;
export const SUITES = { 'ECDHE-CBC': 0xe011, 'ECC-CBC': 0xe013, 'ECDHE-GCM': 0xe051, 'ECC-GCM': 0xe053 };

export interface TranscriptRecord {
  from: 'client' | 'server';
  type: string;
  record: string;
  plaintext?: string;
}

export interface Transcript {
  suite: string;
  id: string;
  client_auth: boolean;
  resumed: boolean;
  pre_master: string;
  client_random: string;
  server_random: string;
  session_id: string;
  client_ephemeral_private?: string;
  server_ephemeral_private?: string;
  random: { side: 'client' | 'server'; hex: string }[];
  records: TranscriptRecord[];
}

export interface Transcripts {
  certificates: Record<string, string>;
  cases: Transcript[];
}

const PATH = new URL('../vectors/tlcp/tongsuo-transcripts.json', import.meta.url);
export const transcripts = JSON.parse(readFileSync(PATH, 'utf8')) as Transcripts;
/** Within the validity of the certificates of the transcripts. */
export const NOW = Date.UTC(2027, 0, 1) / 1000;

const guest: Guest<TlcpExports> = await compileGuest('test/fuzz/tlcp');
export const { exports: tlcp } = guest;
export const put = (bytes: string | Uint8Array): number => guest.put(bytes);

const pem = (name: string): string => {
  const text = transcripts.certificates[name];
  if (text === undefined) throw new Error(`no ${name}`);
  return text;
};

export interface SideOptions {
  /** Suites, the preferred first (default: those of the core). */
  suites?: number[];
  /** Prefix of the files of its pair; null: it has none. */
  pair?: string | null;
  /** Files of certificates that it trusts. */
  trust?: string[];
  /** 0 none, 1 optional, 2 required. */
  auth?: number;
  takesTickets?: boolean;
  keepsSessions?: boolean;
  /** Keys of tickets, 32 bytes each. */
  tickets?: Uint8Array;
  host?: string;
  protocols?: string[];
  checks?: boolean;
  /** Forms that some implementations send instead of Tongsuo's. */
  framesShare?: boolean;
  signsMessages?: boolean;
  sendsSignOnly?: boolean;
  sendsAuthorities?: boolean;
  exchangeBytes?: number;
  exchangeId?: string;
  now?: number;
  /** The PEM text of the chain instead of the pair's files in order. */
  chain?: string;
}

/** Settings of one side. */
export function settingsOf(options: SideOptions): number {
  const made = tlcp.newSettings();
  if (options.suites) {
    put(Uint8Array.from(options.suites.flatMap((suite) => [suite >> 8, suite & 255])));
    tlcp.setSuites(made, options.suites.length);
  }
  for (const name of options.trust ?? ['ca.pem']) {
    const fault = tlcp.trust(made, put(pem(name)));
    if (fault !== 0) throw new Error(`${name}: fault ${fault}`);
  }
  if (options.pair) {
    const { pair } = options;
    const chain = options.chain ?? pem(`${pair}-sign.pem`) + pem(`${pair}-enc.pem`) + pem('ca.pem');
    const keys = [pem(`${pair}-sign.key`), pem(`${pair}-enc.key`)];
    put(chain + keys.join(''));
    const fault = tlcp.identify(made, chain.length, keys[0]!.length, keys[1]!.length);
    if (fault !== 0) throw new Error(`${pair}: fault ${fault}`);
  }
  const tickets = options.tickets ?? new Uint8Array(0);
  put(tickets);
  const { auth = 0, takesTickets = false, keepsSessions = true } = options;
  tlcp.setPolicy(made, auth, takesTickets, keepsSessions, tickets.length / 32);
  if (options.host !== undefined) tlcp.setHost(made, put(options.host));
  if (options.protocols) {
    const list = options.protocols.map((name) => String.fromCharCode(name.length) + name).join('');
    tlcp.setProtocols(made, put(list));
  }
  const { framesShare = false, signsMessages = false, sendsSignOnly = false, sendsAuthorities = true } = options;
  tlcp.setVariants(made, framesShare, signsMessages, sendsSignOnly, sendsAuthorities);
  tlcp.setExchange(made, options.exchangeBytes ?? 48, put(options.exchangeId ?? ''));
  tlcp.setChecks(made, options.checks ?? true);
  tlcp.setNow(made, options.now ?? NOW);
  return made;
}

/** Takes what a connection wants to send. */
export function takeOutput(connection: number): Buffer {
  return take(tlcp.outputStart(connection), tlcp.outputLength(connection), (n) => tlcp.outputTaken(connection, n));
}

/** Takes what a connection received for the application. */
export function takePlain(connection: number): Buffer {
  return take(tlcp.plainStart(connection), tlcp.plainLength(connection), (n) => tlcp.plainTaken(connection, n));
}

function take(start: number, length: number, taken: (bytes: number) => void): Buffer {
  const bytes = Buffer.from(new Uint8Array(tlcp.memory.buffer, start >>> 0, length));
  if (length > 0) taken(length);
  return bytes;
}

/** Gives bytes to a connection, in segments of a size. */
export function give(connection: number, bytes: Uint8Array, segment = Infinity): void {
  for (let at = 0; at < bytes.length; at += segment)
    tlcp.receive(connection, put(bytes.subarray(at, Math.min(bytes.length, at + segment))));
}

/** Carries bytes between two ends until neither has any. */
export function pump(client: number, server: number, segment = Infinity): void {
  for (;;) {
    const up = takeOutput(client);
    give(server, up, segment);
    const down = takeOutput(server);
    give(client, down, segment);
    if (up.length === 0 && down.length === 0) return;
  }
}
