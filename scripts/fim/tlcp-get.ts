import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { finished, pipeline } from 'node:stream/promises';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { dialTlcp } from './tlcp-dial.ts';
import { readFiles, readTrust } from './tlcp-files.ts';
import { SUITES, TlcpModule, type SuiteName } from './tlcp-module.ts';
import { readRevocation, responderOf, type RevocationFlags } from './tlcp-revocation.ts';
import type { TlcpSocket } from './tlcp-socket.ts';
import { progress } from './terminal.ts';

export interface GetFlags extends RevocationFlags {
  cert?: string[];
  ca?: string[];
  insecure?: boolean;
  suite?: string[];
  framedShare?: boolean;
  signMessages?: boolean;
  signCertificateOnly?: boolean;
  authorities?: boolean;
  exchangeBytes?: string;
  exchangeId?: string;
  method?: string;
  header?: string[];
  data?: string;
  repeat?: string;
  include?: boolean;
  verbose?: boolean;
}

const HTTPS_PORT = 443;
const LEAST_ERROR_STATUS = 400;
const MIN_EXCHANGE_BYTES = 16;
const MAX_EXCHANGE_BYTES = 48;
const MAX_REPEATS = 1_000_000;

/** Reads a URL. Error: FIM-UP-0020. */
function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw new CodedError('FIM-UP-0020', `${JSON.stringify(text)} is not https://HOST[:PORT]/PATH`);
  return url;
}

/** Reads names of suites. Error: FIM-UP-0020. */
export function readSuites(names: readonly string[]): SuiteName[] {
  return names.map((name) => {
    const found = (Object.keys(SUITES) as SuiteName[]).find(
      (known) => known === name.toUpperCase().replaceAll('-', '_'),
    );
    if (!found) throw new CodedError('FIM-UP-0020', `--suite ${name} is not one of ${Object.keys(SUITES).join(', ')}`);
    return found;
  });
}

/** Reads the bytes of the pre-master secret of ECDHE. Error: FIM-UP-0020. */
function readExchangeBytes(text: string | undefined): number {
  const bytes = Number(text ?? MAX_EXCHANGE_BYTES);
  if (!Number.isInteger(bytes) || bytes < MIN_EXCHANGE_BYTES || bytes > MAX_EXCHANGE_BYTES)
    throw new CodedError(
      'FIM-UP-0020',
      `--exchange-bytes ${text} is not from ${MIN_EXCHANGE_BYTES} to ${MAX_EXCHANGE_BYTES}`,
    );
  return bytes;
}

/** Reads headers. Error: FIM-UP-0020. */
function readHeaders(lines: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
      if (name === '') throw new CodedError('FIM-UP-0020', `--header ${JSON.stringify(line)} is not "name: value"`);
      return [name, value];
    }),
  );
}

function readBody(data: string | undefined): Buffer | undefined {
  if (data === undefined || !data.startsWith('@')) return data === undefined ? undefined : Buffer.from(data);
  try {
    return readFileSync(data.slice(1));
  } catch (error) {
    throw new CodedError('FIM-CFG-1001', `${data.slice(1)}: ${messageOf(error)}`);
  }
}

/**
 * `fim tlcp get`. Exit status 1 for an answer of 400 and more. Errors: FIM-UP-0020, FIM-CFG-1001, FIM-TLCP-0001 to
 * FIM-TLCP-0004, FIM-TLCP-0006.
 */
export async function get(text: string, flags: GetFlags): Promise<number> {
  const url = readUrl(text);
  const headers = readHeaders(flags.header);
  const body = readBody(flags.data);
  const repeat = Number(flags.repeat ?? 1);
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > MAX_REPEATS)
    throw new CodedError('FIM-UP-0020', `--repeat ${flags.repeat} is not a whole number from 1 to ${MAX_REPEATS}`);
  const trust = readTrust(flags.ca);
  if (trust === undefined && !flags.insecure)
    throw new CodedError('FIM-UP-0020', 'no authority is trusted: name one by --ca, or say --insecure');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const suites = flags.suite && readSuites(flags.suite);
  const identity = flags.cert && readFiles(flags.cert);
  if (!identity && suites?.every((suite) => suite.startsWith('ECDHE')))
    throw new CodedError(
      'FIM-UP-0020',
      `${suites.join(', ')} needs own certificates for signatures and encryption: name them by --cert (\`fim tlcp certs\` makes client.pem to try)`,
    );
  const revocation = readRevocation(flags);
  const exchangeBytes = readExchangeBytes(flags.exchangeBytes);
  const module = await TlcpModule.load();
  const settings = module.settings({
    ...(trust === undefined ? {} : { trust }),
    ...(identity === undefined ? {} : { identity }),
    ...(suites === undefined ? {} : { suites }),
    host,
    protocols: ['http/1.1'],
    checks: !flags.insecure,
    framesShare: flags.framedShare ?? false,
    signsMessages: flags.signMessages ?? false,
    sendsSignOnly: flags.signCertificateOnly ?? false,
    sendsAuthorities: flags.authorities ?? true,
    exchangeBytes,
    exchangeId: flags.exchangeId ?? '',
    ...revocation,
  });
  const address = { host, port: Number(url.port || HTTPS_PORT) };
  const socket = await dialTlcp(module, settings, address, 0, responderOf(flags));
  try {
    await socket.handshake();
    tellAgreed(socket, flags);
    const question: Question = { method: flags.method ?? (body ? 'POST' : 'GET'), headers, body };
    if (repeat > 1) return await askOften(socket, url, question, repeat);
    const answer = await ask(socket, url, question, 'close');
    if (flags.include) {
      const lines = answer.rawHeaders.map((item, i) => (i % 2 === 0 ? `\r\n${item}: ` : item)).join('');
      process.stdout.write(`HTTP/${answer.httpVersion} ${answer.statusCode} ${answer.statusMessage}${lines}\r\n\r\n`);
    }
    await pipeline(answer, process.stdout, { end: false });
    return (answer.statusCode ?? 0) >= LEAST_ERROR_STATUS ? 1 : 0;
  } catch (error) {
    const cause = withHint(socket.errored ?? error, socket, identity !== undefined);
    throw cause instanceof CodedError ? cause : new CodedError('FIM-TLCP-0006', messageOf(cause), cause);
  } finally {
    socket.destroy();
  }
}

/** Alerts by which servers end the handshake of a client that shows no certificate. */
const WANTING = ['handshake_failure', 'bad_certificate', 'no_certificate', 'certificate_unknown'];

/** Says, where it may be so, that the server wants a certificate. */
function withHint(cause: unknown, { connection }: TlcpSocket, hasCertificate: boolean): unknown {
  if (!(cause instanceof CodedError) || cause.code !== 'FIM-TLCP-0001' || hasCertificate) return cause;
  const { side, alert } = connection.ending;
  if (side !== 'the other side' || !WANTING.includes(alert)) return cause;
  const detail = `the other side sent ${alert}; no certificate was shown, and with ECDHE suites, or by its policy, a server demands one: name those for signatures and encryption by --cert`;
  return new CodedError('FIM-TLCP-0001', detail, cause);
}

function tellAgreed({ connection }: TlcpSocket, flags: GetFlags): void {
  const fault = connection.certificateFault;
  if (fault !== '') progress(`the server is not to be trusted: ${fault}`);
  if (!flags.verbose) return;
  const asked = connection.wasAsked ? `, client certificate ${flags.cert ? 'sent' : 'asked for, and not sent'}` : '';
  progress(`${connection.suite}, ${connection.protocol || 'no ALPN'}${asked}`);
}

interface Question {
  method: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
}

/** Asks one time after another over the one connection. */
async function askOften(socket: TlcpSocket, url: URL, question: Question, times: number): Promise<number> {
  let worst = 0;
  for (let i = 0; i < times; i++) {
    const answer = await ask(socket, url, question, i < times - 1 ? 'keep-alive' : 'close');
    answer.resume();
    await finished(answer, { writable: false });
    worst = Math.max(worst, answer.statusCode ?? 0);
    process.stdout.write(`${answer.statusCode}${i < times - 1 ? ' ' : '\n'}`);
  }
  return worst >= LEAST_ERROR_STATUS ? 1 : 0;
}

function ask(
  socket: TlcpSocket,
  url: URL,
  { method, headers, body }: Question,
  connection: 'close' | 'keep-alive',
): Promise<IncomingMessage> {
  return new Promise((done, failed) => {
    const length = body === undefined ? {} : { 'content-length': body.length };
    const asking = request({
      createConnection: () => socket as never, // a Duplex will do, and the declared type is Socket
      method,
      path: url.pathname + url.search,
      headers: { host: url.host, connection, ...length, ...headers },
    });
    asking.once('response', done);
    asking.once('error', failed);
    asking.end(body);
  });
}
