// Revocation lists and OCSP answers, with a mistake where one is wanted, made with keys of the test module.
import { createHash } from 'node:crypto';
import {
  bits,
  der,
  extension,
  integer,
  nameOf,
  oid,
  sequence,
  SIGNATURE_ALGORITHM,
  time,
} from '../../scripts/fim/tlcp-certificate.ts';
import { DAY_MS, type Key, type Made } from './tlcp-certificates.ts';
import { NOW } from './tlcp-guest.ts';

const DIGESTS = { sha1: '2b0e03021a', sha256: '608648016503040201', sm3: '2a811ccf55018311' } as const;
const ID = { nonce: '2b0601050507300102', basic: '2b0601050507300101' };
const CONTEXT = { zero: 0xa0, one: 0xa1, two: 0xa2 };
const ENUMERATED = 10;
const GENERALIZED = 24;

export const at = (days: number): Date => new Date(NOW * 1000 + days * DAY_MS);
const generalized = (date: Date): Buffer =>
  der(GENERALIZED, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));

/** A list without a mistake names `serials` and holds for a week around NOW. */
export interface ListSaid {
  serials?: readonly Buffer[];
  thisUpdate?: Date;
  nextUpdate?: Date | null;
  version?: Buffer;
  algorithm?: Buffer;
  /** Extensions of the list, and of each entry. */
  extensions?: readonly Buffer[];
  entryExtensions?: readonly Buffer[];
  key?: Key;
}

export function list(issuer: Made, said: ListSaid = {}): Buffer {
  const { serials = [], thisUpdate = at(-1), nextUpdate = at(6), entryExtensions, extensions } = said;
  const algorithm = said.algorithm ?? SIGNATURE_ALGORITHM;
  const entries = serials.map((serial) =>
    sequence(integer(serial), time(at(-2)), ...(entryExtensions ? [sequence(...entryExtensions)] : [])),
  );
  const signed = sequence(
    said.version ?? integer(Buffer.from([1])),
    algorithm,
    nameOf(issuer.name),
    time(thisUpdate),
    ...(nextUpdate ? [time(nextUpdate)] : []),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    ...(extensions ? [der(CONTEXT.zero, sequence(...extensions))] : []),
  );
  return sequence(signed, algorithm, bits((said.key ?? issuer.key).sign(signed)));
}

/** Scope of a list (issuingDistributionPoint) by its members. */
export const scope = (...members: Buffer[]): Buffer => extension('551d1c', true, sequence(...members));
export const flag = (tag: number): Buffer => der(tag, Buffer.from([0xff]));
/** A distribution point, of a list or a certificate, by a URI. */
export const point = (uri: string): Buffer => der(CONTEXT.zero, der(CONTEXT.zero, der(0x86, Buffer.from(uri))));
export const listPoints = (uri: string): Buffer => extension('551d1f', false, sequence(sequence(point(uri))));
export const responderAt = (uri: string): Buffer =>
  extension('2b06010505070101', false, sequence(sequence(oid('2b06010505073001'), der(0x86, Buffer.from(uri)))));
/** extendedKeyUsage for OCSP answers. */
export const forAnswers = extension('551d25', false, sequence(oid('2b06010505070309')));

/** CertID, as a question has it. */
export function idOf(serial: Buffer, issuer: Made, digest: keyof typeof DIGESTS = 'sha1'): Buffer {
  const hash = (bytes: Buffer): Buffer => createHash(digest).update(bytes).digest();
  return sequence(
    sequence(oid(DIGESTS[digest]), der(5)),
    der(4, hash(nameOf(issuer.name))),
    der(4, hash(Buffer.concat([Buffer.from([4]), issuer.key.point]))),
    integer(serial),
  );
}

/** An answer without a mistake says that the certificate is good, by its issuer, with the nonce of the question. */
export interface AnswerSaid {
  serial: Buffer;
  issuer: Made;
  /** The question, whose nonce is repeated; a buffer: another nonce; null: none. */
  request?: Buffer;
  nonce?: Buffer | null;
  status?: 'good' | 'revoked' | 'unknown';
  digest?: keyof typeof DIGESTS;
  thisUpdate?: Date;
  nextUpdate?: Date | null;
  /** The signer, and the form of his name. */
  signer?: { name: string; key: Key };
  named?: 'key' | 'name';
  certificates?: readonly Buffer[];
  responseStatus?: number;
  algorithm?: Buffer;
  /** Extension beside the nonce. */
  extra?: readonly Buffer[];
}

/** The nonce in a question: its last 32 bytes. */
export const nonceOf = (request: Buffer): Buffer => request.subarray(request.length - 32);

export function answer(said: AnswerSaid): Buffer {
  const { serial, issuer, status = 'good', thisUpdate = at(-0.01), nextUpdate = at(0.5) } = said;
  const signer = said.signer ?? issuer;
  const nonce = said.nonce === undefined && said.request ? nonceOf(said.request) : (said.nonce ?? null);
  const extensions = [...(nonce ? [extension(ID.nonce, false, der(4, nonce))] : []), ...(said.extra ?? [])];
  const statuses = { good: der(0x80), revoked: der(0xa1, generalized(at(-3))), unknown: der(0x82) };
  const keyDigest = createHash('sha1')
    .update(Buffer.concat([Buffer.from([4]), signer.key.point]))
    .digest();
  const one = sequence(
    idOf(serial, issuer, said.digest),
    statuses[status],
    generalized(thisUpdate),
    ...(nextUpdate ? [der(CONTEXT.zero, generalized(nextUpdate))] : []),
  );
  const signed = sequence(
    said.named === 'key' ? der(CONTEXT.two, der(4, keyDigest)) : der(CONTEXT.one, nameOf(signer.name)),
    generalized(at(-0.01)),
    sequence(one),
    ...(extensions.length > 0 ? [der(CONTEXT.one, sequence(...extensions))] : []),
  );
  const { certificates } = said;
  const basic = sequence(
    signed,
    said.algorithm ?? SIGNATURE_ALGORITHM,
    bits(signer.key.sign(signed)),
    ...(certificates ? [der(CONTEXT.zero, sequence(...certificates))] : []),
  );
  const responseStatus = der(ENUMERATED, Buffer.from([said.responseStatus ?? 0]));
  if ((said.responseStatus ?? 0) !== 0) return sequence(responseStatus);
  return sequence(responseStatus, der(CONTEXT.zero, sequence(oid(ID.basic), der(4, basic))));
}
