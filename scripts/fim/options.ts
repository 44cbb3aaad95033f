import { resolve } from 'node:path';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { checkTlsIdentity } from '../../envoy/standalone/tls-identity.ts';
import { MIN_MAX_HEAP_BYTES } from '../../envoy/limits.ts';
import { PEER_SCHEMES } from '../../envoy/xds/index.ts';
import type { Layout, TlsIdentity } from '../../envoy/xds/index.ts';

const MAX_CONCURRENCY = 256;
/** The total of a worker, MAX_HELD_BYTES of the modules. */
const MAX_HELD_PER_ADDRESS_BYTES = 256 * 1024 * 1024;
const MAX_REQUEST_TIMEOUT_MS = 86_400_000;
const UNIT_BYTES: Record<string, number> = { MiB: 1024 ** 2, GiB: 1024 ** 3 };
const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads the URL of a KMS or an upstream. Error: FIM-UP-0020. */
export function readPeer(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !(PEER_SCHEMES as readonly string[]).includes(url.protocol) || !url.hostname) {
    throw new CodedError(
      'FIM-UP-0020',
      `${option} ${JSON.stringify(text)} is not a URL with one of ${PEER_SCHEMES.map((scheme) => `${scheme}//`).join(', ')}`,
    );
  }
  if (url.username || url.password || url.pathname.length > 1 || url.search)
    throw new CodedError('FIM-UP-0020', `${option} takes scheme, host and port only`);
  return url;
}

/** Reads the URL of an OCSP responder, path included. Error: FIM-UP-0020. */
export function readResponder(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.password || url.hash)
    throw new CodedError('FIM-UP-0020', `--ocsp ${JSON.stringify(text)} is not http(s)://HOST[:PORT][/PATH]`);
  return url;
}

/** Reads the files of ordinary TLS. Errors: FIM-UP-0020 (flags that do not go together), FIM-UP-0036 (a file). */
export function readTlsIdentity(flags: { tlsCert?: string; tlsKey?: string; tlcp: boolean }): TlsIdentity | undefined {
  const { tlsCert, tlsKey, tlcp } = flags;
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new CodedError('FIM-UP-0020', '--tls-cert and --tls-key go together');
  if (!tlcp)
    throw new CodedError('FIM-UP-0020', '--tls-cert is for ordinary TLS beside national TLS, without --no-tlcp');
  const identity = { certFile: resolve(tlsCert), keyFile: resolve(tlsKey) };
  checkTlsIdentity(identity);
  return identity;
}

/** Reads the URL of the service that counts global limits, which speaks gRPC. Error: FIM-UP-0020. */
export function readLimitService(text: string): URL {
  const url = readPeer(text, '--limits');
  if (url.protocol === 'http:')
    throw new CodedError(
      'FIM-UP-0020',
      `--limits ${JSON.stringify(text)} is gRPC: h2c://HOST:PORT or https://HOST:PORT`,
    );
  return url;
}

/** Reads how the service of global limits is asked whether it is well. Error: FIM-UP-0020. */
export function readLimitHealth(text: string, service: URL): URL | 'tcp' | undefined {
  if (text === 'grpc') return undefined;
  if (text === 'tcp') return text;
  const url = URL.canParse(text) ? new URL(text) : null;
  const scheme = service.protocol === 'h2c:' ? 'http:' : 'https:';
  // A host of its own would need a name of its own: Envoy takes addresses only.
  if (url?.protocol !== scheme || url.hostname !== service.hostname || url.username || url.password || url.search)
    throw new CodedError(
      'FIM-UP-0020',
      `--limits-health ${JSON.stringify(text)} is none of grpc, tcp and ${scheme}//${service.hostname}:PORT/PATH`,
    );
  return url;
}

/** Reads a number of workers. Error: FIM-UP-0020. */
export function readConcurrency(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MAX_CONCURRENCY)
    throw new CodedError('FIM-UP-0020', `--concurrency ${text} is not a whole number from 1 to ${MAX_CONCURRENCY}`);
  return value;
}

/** Reads the layout of the stages. Error: FIM-UP-0020. */
export function readLayout(text: string): Layout {
  if (text === 'fused') return 'fused';
  if (text === 'separate') return 'chain';
  throw new CodedError('FIM-UP-0020', `--modules ${text} is neither fused nor separate`);
}

/** Reads the size of Envoy's heap, bytes. Error: FIM-UP-0020. */
export function readHeap(text: string): number {
  const [, number = '', unit = ''] = /^([0-9]{1,6})(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(number) * (UNIT_BYTES[unit] ?? 0);
  if (bytes < MIN_MAX_HEAP_BYTES)
    throw new CodedError(
      'FIM-UP-0020',
      `--max-heap ${JSON.stringify(text)} is not a size from ${MIN_MAX_HEAP_BYTES / 1024 ** 2}MiB on, as 512MiB or 2GiB`,
    );
  return bytes;
}

/** Reads the body bytes that a worker holds for one client address. Error: FIM-UP-0020. */
export function readHeldPerAddress(text: string): number {
  const [, number = ''] = /^([0-9]{1,3})MiB$/.exec(text) ?? [];
  const bytes = Number(number) * UNIT_BYTES['MiB']!;
  if (bytes < 1024 ** 2 || bytes > MAX_HELD_PER_ADDRESS_BYTES)
    throw new CodedError(
      'FIM-UP-0020',
      `--held-per-address ${JSON.stringify(text)} is not a size from 1MiB to ${MAX_HELD_PER_ADDRESS_BYTES / 1024 ** 2}MiB`,
    );
  return bytes;
}

/** Reads the request timeout, milliseconds. Error: FIM-UP-0020. */
export function readRequestTimeout(text: string): number {
  const [, number = '', unit = ''] = /^([0-9]{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(number) * (UNIT_MS[unit] ?? 0);
  if (milliseconds < 1 || milliseconds > MAX_REQUEST_TIMEOUT_MS)
    throw new CodedError(
      'FIM-UP-0020',
      `--request-timeout ${JSON.stringify(text)} is not a time up to 24h, as 30s or 10m`,
    );
  return milliseconds;
}
