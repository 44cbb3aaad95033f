// A client of national TLS for the tests: the core itself on Node, over a TCP connection of its own.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { DevelopmentIdentity } from '../../envoy/standalone/tlcp-plan.ts';
import { developmentCertificates } from '../../scripts/fim/tlcp-certs.ts';
import type { Connection, SideOptions } from '../../scripts/fim/tlcp-module.ts';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';

const WAIT_MS = 60_000;

/** Development certificates as `fim up` makes them, in memory. */
export class Certificates {
  readonly files: Record<string, string>;

  private constructor(files: Record<string, string>) {
    this.files = files;
  }

  static async make(): Promise<Certificates> {
    return new Certificates(await developmentCertificates(['localhost', '127.0.0.1'], 30));
  }

  get authority(): string {
    return this.files['ca.pem']!;
  }

  /** Certificates and keys of a client. */
  get client(): string {
    return this.files['client.pem']!;
  }

  /** As a harness wants it. */
  get identity(): () => Promise<DevelopmentIdentity> {
    return async () => ({
      chain: this.files['server-sign.pem']! + this.files['server-encrypt.pem']!,
      trust: this.authority,
      signKey: this.files['server-sign.key']!,
      encryptKey: this.files['server-encrypt.key']!,
      folder: '/development',
    });
  }
}

export interface ClientOptions extends SideOptions {
  port: number;
  /** Address to connect to; 127.0.0.1 unless told. */
  address?: string;
  /** Bytes of each write; all at once if it is not given. */
  segment?: number;
  session?: number;
}

/** One connection. */
export class TlcpClient {
  readonly connection: Connection;
  /** Bytes that came of the application. */
  plain = Buffer.alloc(0);
  /** Bytes of the network that came. */
  wire = Buffer.alloc(0);
  ended = false;
  /** Whether the content is kept; else it is counted only. */
  keeps = true;
  count = 0;
  private readonly socket: Socket;
  private readonly segment: number;
  private waiting: (() => void)[] = [];
  private paused = false;
  private sending: Promise<void> = Promise.resolve();

  private constructor(socket: Socket, connection: Connection, segment: number) {
    this.socket = socket;
    this.connection = connection;
    this.segment = segment;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.onData(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  /** Connects and begins the handshake. */
  static async open(module: TlcpModule, options: ClientOptions): Promise<TlcpClient> {
    const { port, address = '127.0.0.1', segment = Infinity, session = 0, ...side } = options;
    const socket = connect({ host: address, port });
    await once(socket, 'connect');
    const settings = module.settings({ host: '127.0.0.1', protocols: ['http/1.1'], ...side });
    const client = new TlcpClient(socket, module.connection('client', settings, session), segment);
    await client.flush();
    return client;
  }

  /** Connects and has the handshake done; throws with the ending if it fails. */
  static async ready(module: TlcpModule, options: ClientOptions): Promise<TlcpClient> {
    const client = await TlcpClient.open(module, options);
    await client.until(() => client.connection.isOpen || client.over);
    if (!client.connection.isOpen) throw new Error(`no handshake: ${JSON.stringify(client.connection.ending)}`);
    return client;
  }

  /** Whether either side has ended it. */
  get over(): boolean {
    return this.ended || this.connection.hasEnded;
  }

  /** Waits until the answer is yes, or the connection has ended. */
  async until(is: () => boolean): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!is() && !this.ended) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`not so in ${WAIT_MS} ms; came: ${this.plain.toString('latin1').slice(0, 500)}`);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          done();
        });
      });
    }
  }

  private wake(): void {
    for (const go of this.waiting.splice(0)) go();
  }

  private onData(data: Buffer): void {
    if (this.keeps) this.wire = Buffer.concat([this.wire, data]);
    for (let at = 0; at < data.length; at += 65_536) {
      this.connection.receive(data.subarray(at, at + 65_536));
      const plain = this.connection.takePlain();
      this.count += plain.length;
      if (this.keeps) this.plain = Buffer.concat([this.plain, plain]);
    }
    void this.flush();
    this.wake();
  }

  /** Sends what the core has to say, after what is being sent. */
  private flush(): Promise<void> {
    const output = this.connection.takeOutput();
    this.sending = this.sending.then(() => this.send(output));
    return this.sending;
  }

  private async send(output: Buffer): Promise<void> {
    if (this.segment === Infinity) {
      if (output.length > 0 && !this.socket.destroyed)
        await new Promise<void>((done) => this.socket.write(output, () => done()));
      return;
    }
    for (let at = 0; at < output.length && !this.socket.destroyed; at += this.segment) {
      await new Promise<void>((done) => this.socket.write(output.subarray(at, at + this.segment), () => done()));
    }
  }

  /** Sends bytes of the application. */
  async write(data: string | Uint8Array): Promise<void> {
    this.connection.send(typeof data === 'string' ? Buffer.from(data) : data);
    await this.flush();
  }

  /** Sends bytes as they are, not sealed. */
  raw(data: Uint8Array): void {
    this.socket.write(data);
  }

  /** The record that ends it in order, for `raw`: without an end of the TCP connection. */
  closing(): Buffer {
    this.connection.close();
    return this.connection.takeOutput();
  }

  /** Takes nothing from the network until `resume`. */
  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (this.paused) this.socket.resume();
    this.paused = false;
  }

  /** One request and the whole of its answer, which has a length or is chunked. */
  async ask(request: string): Promise<{ status: number; head: string; body: string }> {
    const from = this.plain.length;
    await this.write(request);
    const text = (): string => this.plain.subarray(from).toString('latin1');
    await this.until(() => isWhole(text()));
    const [head = '', ...rest] = text().split('\r\n\r\n');
    return { status: Number(head.split(' ')[1]), head, body: rest.join('\r\n\r\n') };
  }

  /** Ends in order. */
  async close(): Promise<void> {
    this.connection.close();
    await this.flush();
    this.socket.end();
    await this.until(() => this.ended);
  }

  /** The end of what it sends, of the TCP connection alone. */
  halfClose(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /^content-length: (\d+)$/im.exec(text.slice(0, end))?.[1];
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length - end - 4 >= Number(length);
}

/** A GET for `ask`. */
export function get(path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nhost: bank.test\r\n${lines.join('')}\r\n`;
}

/** A POST of JSON for `ask`. */
export function post(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: bank.test\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
