// Handshakes in which one side looks up whether the other's certificates were revoked.
import assert from 'node:assert/strict';
import { authority, forEncryption, forSigning, type Made } from './tlcp-certificates.ts';
import { FAILED, NOW, OPEN, pump, put, tlcp } from './tlcp-guest.ts';
import { responderAt } from './tlcp-revocations.ts';

/** Numbers of filters/x509: faults of certificates, of lists, of answers; fallbacks; counters. */
export const GOOD = 0;
export const REVOKED = 16;
export const UNKNOWN = 17;
export const LIST = {
  malformed: 1,
  version: 3,
  algorithm: 4,
  noNext: 5,
  delta: 7,
  indirect: 8,
  partial: 9,
  critical: 10,
  older: 11,
  missing: 13,
  signature: 14,
};
export const ANSWER = {
  malformed: 1,
  tooLarge: 2,
  notAnswered: 3,
  algorithm: 4,
  responder: 5,
  signature: 6,
  nonce: 7,
  other: 8,
  early: 9,
  expired: 10,
  none: 11,
  critical: 12,
};
export const REFUSE = 0;
export const ACCEPT = 1;
export const LAST_GOOD = 2;
const COUNT = { revoked: 0, refused: 1, accepted: 2, lastGood: 3, asked: 4, answered: 5 };
const ALERT_OF = { [REVOKED]: 44, [UNKNOWN]: 46 };
export const SIGN_SERIAL = Buffer.from('2233445566778899aabbccddeeff0011', 'hex');
export const ENCRYPT_SERIAL = Buffer.from('3344', 'hex');
export const OTHER_SERIAL = Buffer.from('5566', 'hex');

export const root = authority('root');
export const sign = forSigning(root, { serial: SIGN_SERIAL, extra: [responderAt('http://ocsp.test/')] });
const encrypt = forEncryption(root, { serial: ENCRYPT_SERIAL });

export interface Policy {
  fallback?: number;
  asks?: boolean;
  needsNonce?: boolean;
  digest?: number;
}

/** Settings of a client that looks up what it is shown. */
export function client(
  lists: readonly Buffer[],
  { fallback = REFUSE, asks = false, needsNonce = false, digest = 0 }: Policy,
  trust = [root],
): number {
  const made = tlcp.newSettings();
  for (const anchor of trust) assert.equal(tlcp.trust(made, put(anchor.pem)), 0);
  for (const one of lists) assert.equal(tlcp.addLists(made, put(one)), 0);
  tlcp.setRevocation(made, fallback, asks, needsNonce, digest);
  tlcp.setNow(made, NOW);
  return made;
}

export function server(pair: readonly Made[] = [sign, encrypt], behind: readonly Made[] = []): number {
  const made = tlcp.newSettings();
  const chain = [...pair, ...behind].map(({ pem }) => pem).join('');
  const [one, other] = pair.map(({ key }) => key.pem);
  put(chain + one + other);
  assert.equal(tlcp.identify(made, chain.length, one!.length, other!.length), 0);
  tlcp.setNow(made, NOW);
  return made;
}

export const room = (length: number): Buffer =>
  Buffer.from(new Uint8Array(tlcp.memory.buffer, tlcp.room(1) >>> 0, length));

/** A handshake, questions answered by `respond`. The fault that the client found, and why an answer did not count. */
export function meet(
  settings: number,
  respond?: (request: Buffer, i: number) => Buffer | null,
  of = server(),
): { fault: number; why: number; questions: number } {
  const ends = { server: tlcp.newServer(of), client: tlcp.newClient(settings, 0) };
  pump(ends.client, ends.server);
  let questions = 0;
  let why = 0;
  for (let length = tlcp.writeQuestion(ends.client); length > 0; length = tlcp.writeQuestion(ends.client)) {
    assert.ok(respond, 'a question that was not expected');
    const said = respond(room(length), questions++);
    tlcp.answer(ends.client, put(said ?? ''));
    why ||= tlcp.answerFault(ends.client);
    pump(ends.client, ends.server);
  }
  const fault = tlcp.faultOf(ends.client);
  const expected = fault === GOOD ? OPEN : FAILED;
  assert.deepEqual([tlcp.stateOf(ends.client), tlcp.stateOf(ends.server)], [expected, expected]);
  if (fault === REVOKED || fault === UNKNOWN) assert.equal(tlcp.alertReceived(ends.server), ALERT_OF[fault]);
  for (const end of [ends.client, ends.server]) tlcp.drop(end);
  return { fault, why, questions };
}

export const verdict = (lists: readonly Buffer[], policy: Policy = {}): number => meet(client(lists, policy)).fault;
export const counts = (settings: number): number[] =>
  Object.values(COUNT).map((which) => tlcp.revocationCount(settings, which));
