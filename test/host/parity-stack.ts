// The fixture on a real Envoy, HTTP/2 on both sides, with an upstream that records and a call-out's target that can
// misbehave.
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { connect, constants, createServer as createServer2 } from 'node:http2';
import type { ClientHttp2Session, Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { EnvoyProcess } from '../../envoy/standalone/envoy-process.ts';

/** HTTP/2's least window is also the least buffer of a stream. */
export const BUFFER_LIMIT_BYTES = 65_535;
const LOG_TIMEOUT_MS = 10_000;
const POLL_MS = 5;
const TYPE = 'type.googleapis.com/envoy.';

/** Observed parts of one exchange that a plugin decides. */
export interface Shown {
  status: number;
  /** Whether the stream was reset. */
  reset: boolean;
  headers: Record<string, string | undefined>;
  body: string;
  upstream: { headers: Record<string, string | undefined>; body: string; trailer: string | undefined } | 'nothing';
  logs: string[];
}

export interface ParityRequest {
  method?: string;
  path?: string;
  /** False leaves `content-length` out. */
  declared?: boolean;
  headers?: Record<string, string>;
  body?: string;
  trailers?: Record<string, string>;
  /** Response of the upstream. */
  response?: { headers?: Record<string, string>; body?: string };
}

export const CLIENT_HEADERS = ['x-reply', 'content-type', 'grpc-status', 'content-length'];
export const UPSTREAM_HEADERS = [
  'x-txn',
  'x-after',
  'x-set',
  'x-add',
  'x-remove',
  'x-answer',
  'x-shared',
  'content-length',
];

export const pick = (names: string[], read: (name: string) => string | undefined): Record<string, string | undefined> =>
  Object.fromEntries(names.map((name) => [name, read(name)]));

type CallMood = 'answer' | 'silent' | 'break';

/**
 * Sizes of single body callbacks depend on how the network cuts, and only Envoy prints the frames of a trap; all else
 * is the plugin's doing.
 */
export const isComparable = (line: string): boolean =>
  !line.startsWith('request_body') && !line.startsWith('Function:');

export class ParityStack {
  callMood: CallMood = 'answer';
  private readonly logs: string[] = [];
  private folder = '';
  private envoy!: EnvoyProcess;
  private upstream!: Http2Server;
  private callTarget!: Server;
  private session!: ClientHttp2Session;
  private seen: Exclude<Shown['upstream'], 'nothing'> | undefined;
  private aborted: (() => void) | undefined;
  private response: NonNullable<ParityRequest['response']> = {};

  /** `configuration`: what the plugin gets. `bodyBytes`: what a filter may hold. */
  static async start(wasm: Uint8Array, configuration = 'fine', bodyBytes = BUFFER_LIMIT_BYTES): Promise<ParityStack> {
    const stack = new ParityStack();
    stack.folder = await mkdtemp(join(tmpdir(), 'fim-parity-'));
    const file = join(stack.folder, 'fixture.wasm');
    await writeFile(file, wasm);
    const upstreamPort = await stack.startUpstream();
    const callPort = await stack.startCallTarget();
    const onLog = (line: string): void => {
      const found = /\[wasm\].* wasm log[^:]*: (.*)$/.exec(line);
      if (found !== null) stack.logs.push(found[1]!);
    };
    stack.envoy = await EnvoyProcess.start({
      binary: await envoyBinary(),
      bootstrap: bootstrap(
        file,
        { configuration, bodyBytes, accessLog: join(stack.folder, 'access.log') },
        upstreamPort,
        callPort,
      ),
      folder: stack.folder,
      concurrency: 1,
      logLevel: 'info',
      onLog,
    });
    stack.session = connect(`http://127.0.0.1:${stack.envoy.listenPort}`);
    return stack;
  }

  private async startUpstream(): Promise<number> {
    this.upstream = createServer2();
    this.upstream.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const seen = (this.seen = {
        headers: pick(UPSTREAM_HEADERS, (name) => textOf(headers, name)),
        body: '',
        trailer: undefined as string | undefined,
      });
      stream.on('data', (piece: Buffer) => (seen.body += piece.toString('latin1')));
      stream.on('trailers', (trailers) => (seen.trailer = textOf(trailers, 'x-end')));
      stream.on('error', () => {});
      stream.on('aborted', () => this.aborted?.());
      stream.on('end', () => {
        if (stream.aborted) return;
        const body = headers[':method'] === 'HEAD' ? undefined : this.response.body;
        stream.respond({ ':status': 200, ...this.response.headers }, { endStream: body === undefined });
        if (body !== undefined) stream.end(body);
      });
    });
    return listen(this.upstream);
  }

  private async startCallTarget(): Promise<number> {
    this.callTarget = createServer((_request, response: ServerResponse) => {
      if (this.callMood === 'answer') response.end('key');
      else if (this.callMood === 'break')
        response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy());
    });
    return listen(this.callTarget);
  }

  /** From now on connections of the call-out are refused. */
  async closeCallTarget(): Promise<void> {
    this.callTarget.closeAllConnections();
    await new Promise((done) => this.callTarget.close(done));
  }

  /**
   * Lines reach us through a pipe, later than the answer: `expectedLines` (of those that `isComparable`) are waited
   * for, up to a time.
   */
  async exchange(what: string, request: ParityRequest, expectedLines: number): Promise<Shown> {
    this.seen = undefined;
    this.response = request.response ?? {};
    const from = this.logs.length;
    const answer = await this.send(what, request);
    const deadline = Date.now() + LOG_TIMEOUT_MS;
    while (this.logs.slice(from).filter(isComparable).length < expectedLines && Date.now() < deadline)
      await pause(POLL_MS);
    return { ...answer, upstream: this.seen ?? 'nothing', logs: this.logs.slice(from).filter(isComparable) };
  }

  /** The next request that breaks off before the upstream has it whole. */
  upstreamAborted(): Promise<void> {
    return new Promise((done) => (this.aborted = done));
  }

  /** Lines of the access log: what was handed on as `txn_id`, for each exchange that has one. */
  async loggedTransactions(count: number): Promise<(string | null)[]> {
    const deadline = Date.now() + LOG_TIMEOUT_MS;
    for (;;) {
      const lines = (await readFile(join(this.folder, 'access.log'), 'utf8')).split('\n').slice(0, -1);
      if (lines.length >= count || Date.now() > deadline)
        return lines.map((line) => (JSON.parse(line) as { txn: string | null }).txn);
      await pause(POLL_MS);
    }
  }

  private send(what: string, request: ParityRequest): Promise<Omit<Shown, 'upstream' | 'logs'>> {
    const { body, trailers } = request;
    return new Promise((done, failed) => {
      const headers = {
        ':method': request.method ?? (body === undefined ? 'GET' : 'POST'),
        ':path': request.path ?? '/',
        ':authority': 'fim.test',
        'x-do': what,
        ...request.headers,
      };
      const length =
        body === undefined || trailers !== undefined || request.declared === false
          ? {}
          : { 'content-length': String(body.length) };
      const stream = this.session.request(
        { ...headers, ...length },
        { endStream: body === undefined, waitForTrailers: trailers !== undefined },
      );
      const answer = { status: 0, reset: false, headers: pick(CLIENT_HEADERS, () => undefined), body: '' };
      stream.on('wantTrailers', () => stream.sendTrailers(trailers!));
      stream.on('response', (got) =>
        Object.assign(answer, { status: got[':status'], headers: pick(CLIENT_HEADERS, (name) => textOf(got, name)) }),
      );
      stream.on('data', (piece: Buffer) => (answer.body += piece.toString('latin1')));
      stream.on('error', (error) => {
        answer.reset = stream.rstCode === constants.NGHTTP2_INTERNAL_ERROR;
        if (answer.reset) done(answer);
        else failed(error);
      });
      stream.on('close', () => done(answer));
      if (body !== undefined) stream.end(body);
    });
  }

  async stop(): Promise<void> {
    this.session.destroy();
    await this.envoy.stop();
    this.upstream.close();
    this.callTarget.closeAllConnections();
    this.callTarget.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

async function listen(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

function bootstrap(
  wasm: string,
  { configuration, bodyBytes, accessLog }: { configuration: string; bodyBytes: number; accessLog: string },
  upstreamPort: number,
  callPort: number,
): EnvoyObject {
  const window: EnvoyObject = { initial_stream_window_size: BUFFER_LIMIT_BYTES };
  const http2: EnvoyObject = { explicit_http_config: { http2_protocol_options: window } };
  const cluster = (name: string, port: number, more: EnvoyObject): EnvoyObject => ({
    name,
    type: 'STATIC',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
      ],
    },
    ...more,
  });
  const plugin: EnvoyObject = {
    name: 'fixture',
    fail_open: false,
    allow_on_headers_stop_iteration: true,
    vm_config: { runtime: 'envoy.wasm.runtime.v8', vm_id: 'fim', code: { local: { filename: wasm } } },
    configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: configuration },
  };
  const manager: EnvoyObject = {
    '@type': `${TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'parity',
    codec_type: 'HTTP2',
    http2_protocol_options: window,
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          request_body_buffer_limit: bodyBytes,
          routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }],
        },
      ],
    },
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': `${TYPE}extensions.access_loggers.file.v3.FileAccessLog`,
          path: accessLog,
          log_format: { json_format: { txn: '%FILTER_STATE(wasm.fim.txn_id:PLAIN)%' } },
        },
      },
    ],
    http_filters: [
      { name: 'fixture', typed_config: { '@type': `${TYPE}extensions.filters.http.wasm.v3.Wasm`, config: plugin } },
      { name: 'router', typed_config: { '@type': `${TYPE}extensions.filters.http.router.v3.Router` } },
    ],
  };
  return {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    static_resources: {
      listeners: [
        {
          name: 'fim',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [
        cluster('upstream', upstreamPort, {
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': `${TYPE}extensions.upstreams.http.v3.HttpProtocolOptions`,
              ...http2,
            },
          },
        }),
        cluster('kms', callPort, {}),
      ],
    },
  };
}
