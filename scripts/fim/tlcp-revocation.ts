// Revocation for the verbs of national TLS: lists from files, questions to OCSP responders over HTTP.
import { readFileSync } from 'node:fs';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { FALLBACKS, type Connection, type SideOptions } from './tlcp-module.ts';
import { progress } from './terminal.ts';

export interface RevocationFlags {
  crl?: string[];
  /** True: the responder that each certificate names; a text: this one. */
  ocsp?: true | string;
  ocspDigest?: string;
  revocationFallback?: string;
}

const DIGESTS = ['sha1', 'sha256', 'sm3'] as const;
/** As MAX_OCSP_ANSWER_BYTES of the modules. */
const MAX_ANSWER_BYTES = 16_384;
/** Below MAX_OCSP_WAIT_MS of the modules. */
const ANSWER_MS = 4000;

/** Settings from the flags. Errors: FIM-UP-0020, FIM-CFG-1001. */
export function readRevocation(flags: RevocationFlags): Pick<SideOptions, 'lists' | 'revocation'> {
  const fallback = FALLBACKS.find((name) => name === (flags.revocationFallback ?? 'refuse'));
  const digest = DIGESTS.findIndex((name) => name === (flags.ocspDigest ?? 'sha1'));
  if (!fallback)
    throw new CodedError(
      'FIM-UP-0020',
      `--revocation-fallback ${flags.revocationFallback} is not one of ${FALLBACKS.join(', ')}`,
    );
  if (digest < 0)
    throw new CodedError('FIM-UP-0020', `--ocsp-digest ${flags.ocspDigest} is not one of ${DIGESTS.join(', ')}`);
  if (typeof flags.ocsp === 'string' && !flags.ocsp.startsWith('http://'))
    throw new CodedError('FIM-UP-0020', `--ocsp ${flags.ocsp} is not http://HOST[:PORT]/PATH`);
  const lists = (flags.crl ?? []).map((path) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new CodedError('FIM-CFG-1001', `${path}: ${messageOf(error)}`);
    }
  });
  return { lists, revocation: { fallback, asks: flags.ocsp !== undefined, digest } };
}

/** The responder in the place of those that certificates name. */
export const responderOf = ({ ocsp }: RevocationFlags): string | undefined =>
  typeof ocsp === 'string' ? ocsp : undefined;

/** Carries the open question of a connection to its responder; whatever goes wrong is no answer. */
export async function carryQuestion(connection: Connection, override: string | undefined): Promise<void> {
  const { question } = connection;
  if (!question) return;
  const place = override ?? question.responder;
  let answer: Uint8Array = new Uint8Array(0);
  try {
    if (!place.startsWith('http://'))
      throw new Error(place === '' ? 'the certificate names no responder' : `${place} is not http`);
    const reply = await fetch(place, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request' },
      body: question.request,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!reply.ok) throw new Error(`HTTP status ${reply.status}`);
    answer = new Uint8Array(await reply.arrayBuffer());
    if (answer.length > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
  } catch (error) {
    progress(`OCSP: no answer: ${messageOf(error)}`);
    answer = new Uint8Array(0);
  }
  if (connection.hasEnded) return;
  connection.answer(answer);
  const fault = connection.answerFault;
  if (fault !== '' && answer.length > 0) progress(`OCSP: ${fault}`);
}
