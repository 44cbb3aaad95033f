// A connection of national TLS over a TCP socket, as a stream.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import type { Connection } from './tlcp-module.ts';
import { carryQuestion } from './tlcp-revocation.ts';

/** As MAX_HANDSHAKE_MS of the modules, and a little: the core decides. */
const HANDSHAKE_MS = 10_100;
/** Most that is given to the core at a time, bytes. */
const PIECE_BYTES = 64 * 1024;

/** Emits `secure` when the handshake is through. Errors: FIM-TLCP-0001, FIM-TLCP-0003, FIM-TLCP-0004. */
export class TlcpSocket extends Duplex {
  readonly connection: Connection;
  private readonly raw: Socket;
  private waiting: (() => void) | null = null;
  private readonly timer: NodeJS.Timeout;
  private secure = false;
  private asking = false;
  private readonly responder: string | undefined;

  /** `responder`: the URI of an OCSP responder in the place of those that certificates name. */
  constructor(raw: Socket, connection: Connection, responder?: string) {
    super();
    this.responder = responder;
    this.raw = raw;
    this.connection = connection;
    const started = performance.now();
    this.timer = setTimeout(() => {
      connection.expire(performance.now() - started);
      this.flush();
      this.look();
    }, HANDSHAKE_MS);
    raw.on('data', (data: Buffer) => this.onData(data));
    raw.on('end', () => this.onEnd());
    raw.on('error', (error) => this.destroy(new CodedError('FIM-TLCP-0003', error.message, error)));
    this.flush();
  }

  /** Resolves when the handshake is through. */
  handshake(): Promise<void> {
    if (this.secure) return Promise.resolve();
    return new Promise((done, failed) => {
      this.once('secure', done);
      this.once('error', failed);
    });
  }

  override _read(): void {
    this.raw.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.secure) {
      this.waiting = () => this._write(chunk, _encoding, done);
      return;
    }
    let sent = true;
    for (let at = 0; sent && at < chunk.length; at += PIECE_BYTES) {
      sent = this.connection.send(chunk.subarray(at, at + PIECE_BYTES));
      this.flush();
    }
    if (!sent) done(new CodedError('FIM-TLCP-0004', describe(this.connection)));
    else if (this.raw.writableNeedDrain) this.raw.once('drain', () => done());
    else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.connection.close();
    this.flush();
    this.raw.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.timer);
    this.raw.destroySoon();
    done(error);
  }

  private onData(data: Buffer): void {
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      this.connection.receive(data.subarray(at, at + PIECE_BYTES));
      const plain = this.connection.takePlain();
      if (plain.length > 0 && !this.push(plain)) this.raw.pause();
    }
    this.flush();
    this.look();
    void this.ask();
  }

  /** Carries questions, one after another, until none is open. */
  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    while (this.connection.question && !this.destroyed) {
      await carryQuestion(this.connection, this.responder);
      if (this.destroyed) break;
      this.flush();
      const plain = this.connection.takePlain();
      if (plain.length > 0) this.push(plain);
      this.look();
    }
    this.asking = false;
  }

  /** The other side closed its TCP connection. */
  private onEnd(): void {
    if (this.connection.hasEnded || this.destroyed) return;
    const what = this.secure ? 'FIM-TLCP-0004' : 'FIM-TLCP-0001';
    this.destroy(new CodedError(what, 'the other side closed the TCP connection and sent no alert'));
  }

  private flush(): void {
    const output = this.connection.takeOutput();
    if (output.length > 0 && this.raw.writable) this.raw.write(output);
  }

  /** Looks whether the core is at another stage. */
  private look(): void {
    if (!this.secure && this.connection.isOpen) {
      this.secure = true;
      clearTimeout(this.timer);
      this.emit('secure');
      this.waiting?.();
      this.waiting = null;
    }
    if (!this.connection.hasEnded || this.destroyed) return;
    clearTimeout(this.timer);
    if (this.connection.ending.inOrder && this.secure) {
      this.push(null);
      this.raw.end();
    } else this.destroy(new CodedError(this.secure ? 'FIM-TLCP-0004' : 'FIM-TLCP-0001', describe(this.connection)));
  }
}

/** Meaning of alerts that the other side sends: it says no more. */
const MEANINGS: Readonly<Record<string, string>> = {
  bad_certificate: 'it cannot use the certificates that were shown, or none were',
  certificate_expired: 'for it a certificate that was shown has ended, or has not begun',
  certificate_revoked: 'a certificate that was shown is revoked',
  certificate_unknown: 'it could not learn whether a certificate that was shown is revoked, or it is for another name',
  handshake_failure: 'no suite in common, or it demands a certificate',
  no_application_protocol: 'no protocol (ALPN) in common',
  protocol_version: 'it does not speak this version',
  unknown_ca: 'it does not trust the authority of the certificates that were shown',
  unsupported_certificate: 'a certificate that was shown is not for this use',
};

/** Alert, side and reason in words. */
export function describe(connection: Connection): string {
  const { alert, side, reason } = connection.ending;
  if (alert === '') return reason;
  const isTheirs = side === 'the other side' && connection.ending.alert !== 'close_notify';
  const meaning = isTheirs ? MEANINGS[alert] : reason;
  return meaning === undefined ? `${side} sent ${alert}` : `${side} sent ${alert}: ${meaning}`;
}
