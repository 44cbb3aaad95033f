import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { PEER_SCHEMES } from '../../envoy/xds/index.ts';
import type { Layout } from '../../envoy/xds/index.ts';

const MAX_CONCURRENCY = 256;

/** Reads the URL of a KMS or an upstream. Error: FIM-UP-0020. */
export function readPeer(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !(PEER_SCHEMES as readonly string[]).includes(url.protocol) || !url.hostname) {
    throw new CodedError('FIM-UP-0020', `${option} ${JSON.stringify(text)} is not a URL with one of ${PEER_SCHEMES.map((scheme) => `${scheme}//`).join(', ')}`);
  }
  if (url.username || url.password || url.pathname.length > 1 || url.search) throw new CodedError('FIM-UP-0020', `${option} takes scheme, host and port only`);
  return url;
}

/** Reads a number of workers. Error: FIM-UP-0020. */
export function readConcurrency(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MAX_CONCURRENCY) throw new CodedError('FIM-UP-0020', `--concurrency ${text} is not a whole number from 1 to ${MAX_CONCURRENCY}`);
  return value;
}

/** Reads how the stages are placed. Error: FIM-UP-0020. */
export function readLayout(text: string): Layout {
  if (text === 'fused') return 'fused';
  if (text === 'separate') return 'chain';
  throw new CodedError('FIM-UP-0020', `--modules ${text} is neither fused nor separate`);
}
