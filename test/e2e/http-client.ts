import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';

const REPLY_TIMEOUT_MS = 60_000;

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Sending {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** Sent in these pieces, each handed to the connection alone, without content-length; one piece is sent with it. */
  body?: string | Buffer | readonly Buffer[];
  agent?: Agent;
}

export const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends one HTTP/1.1 request on a connection of its own, unless an agent is given, and reads the whole reply. */
export async function send(
  url: string,
  { method = 'POST', path = '/', headers = JSON_TYPE, body, agent }: Sending = {},
): Promise<Reply> {
  const pieces =
    body === undefined ? [] : Array.isArray(body) ? (body as readonly Buffer[]) : [Buffer.from(body as string)];
  const length = body !== undefined && !Array.isArray(body) ? { 'content-length': String(pieces[0]!.length) } : {};
  return new Promise((done, failed) => {
    const outgoing = request(
      url,
      { method, path, headers: { ...headers, ...length }, agent: agent ?? new Agent(), timeout: REPLY_TIMEOUT_MS },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', failed);
        incoming.on('end', () =>
          done({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no reply in time')));
    outgoing.on('error', failed);
    outgoing.setNoDelay(true);
    void writePieces(outgoing, pieces);
  });
}

async function writePieces(outgoing: ReturnType<typeof request>, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (outgoing.destroyed) return;
    await new Promise<void>((written) => outgoing.write(piece, () => written()));
  }
  outgoing.end();
}

/** Members of a problem reply. */
export interface ProblemReply {
  status: number;
  code: string;
  title: string;
  errors?: { code: string; path: string }[];
}

/** Reads an RFC 9457 reply; throws if it is none. */
export function problemOf(reply: Reply): ProblemReply {
  if (reply.headers['content-type'] !== 'application/problem+json')
    throw new Error(`not a problem reply: ${reply.status} ${reply.headers['content-type']} ${reply.body}`);
  return JSON.parse(reply.body.toString('utf8')) as ProblemReply;
}

/**
 * Sends bytes as they are on a connection of its own and returns all that comes back until the other side closes or
 * `until` is satisfied.
 */
export async function sendRaw(
  port: number,
  bytes: string | Buffer,
  until: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let text = '';
    const timer = setTimeout(() => socket.destroy(new Error(`no end in time: ${text}`)), REPLY_TIMEOUT_MS);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      done(text);
    };
    socket.on('connect', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (until(text)) finish();
    });
    socket.on('end', finish);
    socket.on('error', (error) => {
      clearTimeout(timer);
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') done(text);
      else failed(error);
    });
  });
}
