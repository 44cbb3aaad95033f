// One request to a witness or a transparency log: bounded in time and size.
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { AUDIT_ANCHOR_MS, MAX_ANCHOR_ANSWER_BYTES } from '../limits.ts';

/** A service that keeps checkpoints. */
export interface AnchorPeer {
  /** With a path, if it has one. */
  url: URL;
  /** Unix socket, in place of the URL's address. */
  socket?: string;
  token?: () => string | undefined;
  /** Authorities of its certificate, PEM. */
  ca?: Buffer;
}

export interface AnchorAnswer {
  status: number;
  body: Buffer;
}

/** Rejects if nothing whole comes in time. A `body` is posted. */
export function askAnchor(
  { url, socket, token, ca }: AnchorPeer,
  path: string,
  body?: Buffer | string,
): Promise<AnchorAnswer> {
  const target = new URL(`${url.pathname.replace(/\/$/, '')}/${path}`, url);
  const bearer = token?.();
  return new Promise((done, failed) => {
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      ...(socket !== undefined && { socketPath: socket }),
      signal: AbortSignal.timeout(AUDIT_ANCHOR_MS),
    };
    const asked =
      target.protocol === 'https:'
        ? requestTls(target, { ...options, ...(ca && { ca }) })
        : requestPlain(target, options);
    asked.once('error', failed);
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANCHOR_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.once('error', failed);
      response.once('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    asked.end(body);
  });
}
