import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import type { KmsCredentials } from '../xds/index.ts';
import { hostOf, portOf } from '../xds/index.ts';
import { tlsOf } from './kms-client.ts';

/** Timeout of the health check, milliseconds. */
const TIMEOUT_MS = 1_000;

/**
 * Whether a KMS answers. Any response to `/v1/sys/health` but a server error counts: a service without that path gives
 * 404, and a sealed Vault gives 503 and has no keys to give. For h2c, which this client does not speak, a connection is
 * enough.
 */
export async function kmsAnswers(url: URL, credentials: KmsCredentials = {}): Promise<boolean> {
  if (url.protocol === 'h2c:') return connects(url);
  return new Promise((done) => {
    const options = { timeout: TIMEOUT_MS, signal: AbortSignal.timeout(TIMEOUT_MS), agent: false as const };
    try {
      const health = new URL('/v1/sys/health', url);
      const request =
        url.protocol === 'https:'
          ? requestTls(health, { ...options, ...tlsOf(credentials) })
          : requestPlain(health, options);
      request.once('response', (response) => {
        response.resume();
        done((response.statusCode ?? 500) < 500);
      });
      request.once('error', () => done(false));
      request.end();
    } catch {
      done(false);
    }
  });
}

async function connects(url: URL): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: hostOf(url), port: portOf(url), timeout: TIMEOUT_MS });
    const end = (there: boolean): void => {
      socket.destroy();
      done(there);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}
