// Connections that two endpoints of Tongsuo had, repeated by the core in both roles: with the same randomness every byte
// that goes over the network is the same.
import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { test } from 'node:test';
import { CLOSED, give, put, settingsOf, takeOutput, takePlain, tlcp, transcripts } from './tlcp-guest.ts';
import type { Transcript } from './tlcp-guest.ts';

const ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const big = (hex: string): bigint => BigInt(`0x${hex}`);
const modulo = (value: bigint): bigint => ((value % ORDER) + ORDER) % ORDER;

/** Plain handshake messages of a side, by type. */
function messagesOf({ records }: Transcript, side: string): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const { from, type, record, plaintext } of records) {
    if (from !== side || type !== 'handshake' || plaintext !== undefined) continue;
    const message = Buffer.from(record.slice(10), 'hex');
    found.set(message[0]!, message.subarray(4));
  }
  return found;
}

/** The nonce of a signature in DER, which the private key gives away: k = s + d (r + s). */
function nonceOf(signature: Buffer, key: string): string {
  const rLength = signature[3]!;
  const sAt = 4 + rLength + 2;
  const r = big(signature.subarray(4, 4 + rLength).toString('hex'));
  const s = big(signature.subarray(sAt, sAt + signature[sAt - 1]!).toString('hex'));
  const der = Buffer.from(transcripts.certificates[key]!.replace(/-----.*-----/g, ''), 'base64');
  const d = big(der.subarray(36, 68).toString('hex')); // PKCS#8 of a fixed form
  return modulo(s + d * (r + s))
    .toString(16)
    .padStart(64, '0');
}

/** Of the numbers that were drawn, the one whose point begins the ciphertext. */
function encryptionNonce(transcript: Transcript, message: Buffer): string {
  const ciphertext = message.subarray(2);
  const at = ciphertext.indexOf(Buffer.from([0x02]));
  const length = ciphertext[at + 1]!;
  const x = big(ciphertext.subarray(at + 2, at + 2 + length).toString('hex'));
  const curve = createECDH('SM2');
  for (const { side, hex } of transcript.random) {
    if (side !== 'client' || hex.length !== 64) continue;
    curve.setPrivateKey(Buffer.from(hex, 'hex'));
    if (big(curve.getPublicKey().subarray(1, 33).toString('hex')) === x) return hex;
  }
  throw new Error('the nonce was not drawn');
}

/** First bytes of the protected records of a side: explicit IVs, or the first explicit nonce. */
function explicitOf(transcript: Transcript, side: string): string {
  const own = transcript.records.filter(({ from, plaintext }) => from === side && plaintext !== undefined);
  if (transcript.suite.includes('GCM')) return own[0]!.record.slice(10, 26);
  return own.map(({ record }) => record.slice(10, 42)).join('');
}

/** Numbers that each side drew, in the order of the core. */
function chanceOf(transcript: Transcript): { client: string; server: string } {
  const ephemeral = transcript.suite.startsWith('ECDHE');
  const parts = { client: [transcript.client_random], server: [transcript.server_random] };
  if (!transcript.resumed) {
    const server = messagesOf(transcript, 'server');
    const client = messagesOf(transcript, 'client');
    const exchange = server.get(12)!;
    parts.server.unshift(transcript.session_id);
    if (ephemeral) parts.server.push(transcript.server_ephemeral_private!);
    parts.server.push(nonceOf(exchange.subarray(ephemeral ? 71 : 2), 'server-sign.key'));
    if (ephemeral) parts.client.push(transcript.client_ephemeral_private!);
    else parts.client.push(transcript.pre_master.slice(4), encryptionNonce(transcript, client.get(16)!));
    if (transcript.client_auth) parts.client.push(nonceOf(client.get(15)!.subarray(2), 'client-sign.key'));
    if (!ephemeral) parts.server.push('00'.repeat(48)); // what a wrong pre-master secret would be replaced by
  }
  parts.client.push(explicitOf(transcript, 'client'));
  parts.server.push(explicitOf(transcript, 'server'));
  return { client: parts.client.join(''), server: parts.server.join('') };
}

/** Repeats a connection; returns the client's end. */
function repeat(transcript: Transcript, settings: { client: number; server: number }, session: number): number {
  const chance = chanceOf(transcript);
  tlcp.dictate(settings.client, put(Buffer.from(chance.client, 'hex')));
  tlcp.dictate(settings.server, put(Buffer.from(chance.server, 'hex')));
  const ends = { server: tlcp.newServer(settings.server), client: tlcp.newClient(settings.client, session) };
  const sent = { client: '', server: '' };
  for (const [i, { from, type, record, plaintext }] of transcript.records.entries()) {
    if (type === 'application_data') tlcp.send(ends[from], put(Buffer.from(plaintext!, 'hex')));
    if (type === 'alert' && from === 'server') tlcp.close(ends.server);
    sent[from] += takeOutput(ends[from]).toString('hex');
    const to = from === 'client' ? 'server' : 'client';
    assert.equal(sent[from].slice(0, record.length), record, `record ${i}, ${from} ${type}`);
    sent[from] = sent[from].slice(record.length);
    if (to === 'client' || tlcp.stateOf(ends.server) < CLOSED) give(ends[to], Buffer.from(record, 'hex'));
    if (type === 'application_data') assert.equal(takePlain(ends[to]).toString('hex'), plaintext);
  }
  assert.deepEqual(sent, { client: '', server: '' }, 'nothing more is sent');
  assert.equal(tlcp.chanceLeft(settings.client) + tlcp.chanceLeft(settings.server), 0);
  assert.equal(tlcp.stateOf(ends.client), CLOSED);
  return ends.client;
}

for (const [i, full] of transcripts.cases.entries()) {
  if (full.resumed) continue;
  const again = transcripts.cases[i + 1]!;
  test(`${full.suite}${full.client_auth ? ' with client certificates' : ''}: full and resumed, byte for byte`, () => {
    const suites = [Number(full.id)];
    const settings = {
      client: settingsOf({ suites, pair: full.client_auth ? 'client' : null }),
      server: settingsOf({ suites, pair: 'server', auth: full.client_auth ? 2 : 0 }),
    };
    const client = repeat(full, settings, 0);
    assert.equal(again.resumed, true);
    const session = tlcp.keepSession(client);
    const resumed = repeat(again, settings, session);
    assert.equal(tlcp.isResumed(resumed), 1);
  });
}
