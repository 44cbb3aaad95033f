// Requests to a KMS with Envoy's credentials.
import { readFileSync } from 'node:fs';
import { request as requestPlain } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestTls } from 'node:https';
import { MAX_KMS_ANSWER_BYTES } from '../limits.ts';
import type { KmsCredentials } from '../xds/index.ts';
import { readToken } from './kms-token.ts';

/** Address and credentials of a KMS, and the places of its keys. */
export interface KmsAccess {
  url: URL;
  credentials?: KmsCredentials;
  /** Default: `/v1/secret/data/`. */
  pathPrefix?: string;
  /** Default: `transit`. Empty: none. */
  transitMount?: string;
}

export interface KmsQuestion {
  path: string;
  /** Body of a POST. Absent: GET. */
  body?: object;
  timeoutMs: number;
}

export interface KmsAnswerText {
  status: number;
  text: string;
}

/** Path of a stored key. Ids in the form of `kms://` need no escaping; anything else is escaped. */
export function storedKeyPath(access: KmsAccess, id: string): string {
  return `${access.pathPrefix ?? '/v1/secret/data/'}${id.slice('kms://'.length).split('/').map(encodeURIComponent).join('/')}`;
}

/** Name of a transit key. Undefined if the id is not one. */
export function transitName({ transitMount = 'transit' }: KmsAccess, id: string): string | undefined {
  const start = `kms://${transitMount}/`;
  return transitMount !== '' && id.startsWith(start) ? id.slice(start.length) : undefined;
}

/** Path of a transit operation on a key. */
export function transitPath(
  { transitMount = 'transit' }: KmsAccess,
  verb: 'datakey/plaintext' | 'decrypt',
  name: string,
): string {
  return `/v1/${transitMount}/${verb}/${encodeURIComponent(name)}`;
}

function headersOf({ tokenFile, tokenHeader = 'X-Vault-Token', namespace }: KmsCredentials): Record<string, string> {
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  return {
    ...(token === undefined
      ? {}
      : { [tokenHeader.toLowerCase()]: tokenHeader === 'Authorization' ? `Bearer ${token}` : token }),
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  };
}

/** Certificates for TLS, own and trusted. */
export function tlsOf({ caFile, certFile, keyFile }: KmsCredentials): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
  };
}

/**
 * Sends a request. Does not follow redirects. Rejects if there is no response in time, or if it exceeds
 * MAX_KMS_ANSWER_BYTES.
 */
export async function askKms(access: KmsAccess, question: KmsQuestion): Promise<KmsAnswerText> {
  const { url, credentials = {} } = access;
  const body = question.body === undefined ? undefined : JSON.stringify(question.body);
  const headers = { ...headersOf(credentials), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const signal = AbortSignal.timeout(question.timeoutMs);
  if (url.protocol === 'h2c:') return askHttp2(url, question.path, headers, body, signal);
  return new Promise((done, fail) => {
    const options = { method: body === undefined ? 'GET' : 'POST', headers, signal, agent: false as const };
    const target = new URL(question.path, url);
    const request =
      url.protocol === 'https:'
        ? requestTls(target, { ...options, ...tlsOf(credentials) })
        : requestPlain(target, options);
    request.once('error', fail);
    request.once(
      'response',
      (response: IncomingMessage) =>
        void textOf(response).then((text) => done({ status: response.statusCode ?? 0, text }), fail),
    );
    request.end(body);
  });
}

async function askHttp2(
  url: URL,
  path: string,
  headers: Record<string, string>,
  body: string | undefined,
  signal: AbortSignal,
): Promise<KmsAnswerText> {
  const session = connectHttp2(`http://${url.host}`);
  try {
    return await new Promise((done, fail) => {
      session.once('error', fail);
      const stream = session.request(
        { ':path': path, ':method': body === undefined ? 'GET' : 'POST', ...headers },
        { signal, endStream: body === undefined },
      );
      stream.once('error', fail);
      stream.once(
        'response',
        (answered) => void textOf(stream).then((text) => done({ status: Number(answered[':status']), text }), fail),
      );
      if (body !== undefined) stream.end(body);
    });
  } finally {
    session.destroy();
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_KMS_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_KMS_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  const text = whole.toString('utf8');
  for (const part of [...chunks, whole]) part.fill(0);
  return text;
}
