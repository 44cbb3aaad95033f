// A client's connection through one network filter to an HTTP/1.1 connection manager, whose requests go through
// plugins. The manager is the least that a filter in front of it can tell from Envoy's: it reads one request at a time
// and leaves what comes behind it in the buffer; it closes after a 400, after `connection: close` and after what is no
// request.
import { CloseType, NetworkStatus } from './abi.ts';
import { BodyBuffer } from './body-buffer.ts';
import { HeaderMap } from './header-map.ts';
import { HttpStream } from './http-stream.ts';
import { NetworkContext } from './network-context.ts';
import type { RootSide } from './roles.ts';
import { Vm } from './vm.ts';

export interface ConnectionOptions {
  /** Envoy's number of the connection. */
  number: number;
  /** Body of the upstream's answer to a request that came through. */
  answer?: (request: HeaderMap, body: Buffer) => Buffer;
  /** Bytes that the manager reads in the place of a head, as if others had stood before it. */
  reads?: (head: string) => string;
}

/** A request whose body is on its way. */
interface Request {
  left: number;
}

const HEAD_END = '\r\n\r\n';

export class ClientConnection {
  readonly number: number;
  readonly filterState = new Map<string, Uint8Array>();
  /** All that the client was sent. */
  wire: Buffer = Buffer.alloc(0);
  isClosed = false;
  /** Heads of the requests that reached the upstream. */
  readonly forwarded: HeaderMap[] = [];
  private readonly context: NetworkContext;
  private readonly plugins: RootSide[];
  private readonly answer: (request: HeaderMap, body: Buffer) => Buffer;
  private readonly reads: (head: string) => string;
  /** Bytes that the client sent and nobody took. */
  private readonly incoming = new BodyBuffer();
  private readonly outgoing = new BodyBuffer();
  /** The part of a head that the manager's parser has. */
  private parsed = '';
  private body = Buffer.alloc(0);
  private request: Request | null = null;
  private stream: HttpStream | null = null;
  private hasEnded = false;

  constructor(filter: RootSide, plugins: RootSide[], options: ConnectionOptions) {
    const { number, answer = (_, body) => body, reads = (head) => head } = options;
    filter.vm.reloadIfDue();
    this.number = number;
    this.plugins = plugins;
    this.answer = answer;
    this.reads = reads;
    this.context = new NetworkContext(filter, this);
    this.context.onNewConnection();
  }

  /** Bytes of the client; `last`: it sends no more. */
  receive(bytes: Uint8Array, last = false): void {
    if (this.isClosed) return;
    this.incoming.add(Buffer.from(bytes));
    this.hasEnded ||= last;
    this.read();
    // A client that sends no more has gone, for a manager of HTTP/1.1.
    if (last && !this.isClosed) this.close(CloseType.Remote);
  }

  /** The client is gone. */
  abort(): void {
    this.close(CloseType.Remote);
  }

  /** The proxy closes it, as when a listener drains. */
  closeByProxy(): void {
    this.close(CloseType.Local);
  }

  closeByFilter(): void {
    this.close(CloseType.Local);
  }

  /** Hands the buffer to the filter, then to the manager, as long as that takes requests. */
  private read(): void {
    if (this.isClosed || this.isBusy) return;
    if (this.incoming.length === 0 && !this.hasEnded) return;
    const status = this.context.onDownstreamData(this.incoming, this.hasEnded);
    if (status === NetworkStatus.Continue && !this.isClosed) this.parse();
  }

  /** Whether the manager is at a request that it has wholly read: it reads no more. */
  private get isBusy(): boolean {
    return this.stream !== null && this.request === null;
  }

  private take(count: number): Buffer {
    const all = Buffer.from(this.incoming.bytes());
    this.incoming.clear();
    this.incoming.add(all.subarray(count));
    return all.subarray(0, count);
  }

  private parse(): void {
    if (this.request === null && !this.isBusy) {
      const had = Buffer.byteLength(this.parsed, 'latin1');
      const text = this.parsed + Buffer.from(this.incoming.bytes()).toString('latin1');
      const begins = /^(?:\r\n)*/.exec(text)![0].length;
      const ends = text.indexOf(HEAD_END, begins);
      if (ends < 0) {
        this.take(this.incoming.length);
        this.parsed = text.slice(begins);
        return;
      }
      this.take(ends + HEAD_END.length - had);
      this.parsed = '';
      if (!this.begin(this.reads(text.slice(begins, ends)))) return this.close(CloseType.Local);
    }
    const request = this.request;
    if (request === null || this.stream === null) return;
    const part = this.take(Math.min(request.left, this.incoming.length));
    this.body = Buffer.concat([this.body, part]);
    request.left -= part.length;
    if (request.left > 0) return;
    this.request = null;
    if (this.body.length > 0) this.stream.onRequestBody(this.body, true);
  }

  /** False: it is no request. */
  private begin(text: string): boolean {
    const [line = '', ...fields] = text.split('\r\n');
    const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(line) ?? [];
    const head = fields.map((field) => /^([^:\s]+):[ \t]*(.*?)[ \t]*$/.exec(field)?.slice(1, 3) as [string, string]);
    if (method === undefined || head.includes(undefined as never)) return false;
    const named = head.map(([name, value]): [string, string] => [name.toLowerCase(), value]);
    const length = Number(named.find(([name]) => name === 'content-length')?.[1] ?? 0);
    const host = named.find(([name]) => name === 'host')?.[1] ?? '';
    const rest = named.filter(([name]) => name !== 'host');
    const headers: [string, string][] = [[':method', method], [':path', path!], [':authority', host], ...rest];
    this.request = length === 0 ? null : { left: length };
    this.body = Buffer.alloc(0);
    const stream = Vm.openStream(this.plugins, { properties: { 'connection.id': this.number } });
    this.stream = stream;
    stream.onUpstream = () => this.forward(stream);
    stream.onEnd = () => this.respond(stream);
    stream.onRequestHeaders(headers, length === 0);
    return true;
  }

  private forward(stream: HttpStream): void {
    const { headers, body, complete } = stream.upstream;
    if (!complete || headers === null) return;
    this.forwarded.push(headers);
    const answer = this.answer(headers, body);
    stream.onResponseHeaders(
      [
        [':status', '200'],
        ['content-length', String(answer.length)],
      ],
      answer.length === 0,
    );
    if (answer.length > 0) stream.onResponseBody(answer, true);
  }

  /** Writes the answer; the next request is read. */
  private respond(stream: HttpStream): void {
    if (this.stream !== stream) return;
    const { headers, body, complete } = stream.client;
    const wasRead = this.request === null;
    this.stream = null;
    this.request = null;
    if (this.isClosed) return;
    if (headers === null || !complete) return this.close(CloseType.Local);
    const status = headers.get(':status') ?? '';
    const lines = headers.entries.filter(([name]) => !name.startsWith(':') && name !== 'content-length');
    const head = [`HTTP/1.1 ${status} `, ...lines.map(([name, value]) => `${name}: ${value}`)];
    this.write(
      Buffer.from(
        `${head.join('\r\n')}\r\ncontent-length: ${body.length}${HEAD_END}${body.toString('latin1')}`,
        'latin1',
      ),
    );
    if (status === '400' || headers.get('connection') === 'close' || !wasRead) this.close(CloseType.Local);
    else this.context.root.vm.clock.schedule(0, () => this.read());
  }

  private write(bytes: Buffer): void {
    this.outgoing.add(bytes);
    if (this.context.onUpstreamData(this.outgoing, false) !== NetworkStatus.Continue) return;
    this.wire = Buffer.concat([this.wire, this.outgoing.bytes()]);
    this.outgoing.clear();
  }

  private close(by: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stream?.abort();
    this.context.onClose(by);
  }
}
