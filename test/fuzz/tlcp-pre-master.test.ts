// An encrypted pre-master secret that is wrong takes the work of one that is right, and the handshake ends as one under wrong
// keys does: with the same alert, in the same place.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Tracer } from '../crypto/trace/tracer.ts';
import { compileModule, startGuest, type GuestExports } from './guest.ts';
import { FAILED, give, settingsOf, takeOutput, tlcp } from './tlcp-guest.ts';

interface PreMasterExports extends GuestExports {
  prepare(length: number, fromEnd: number): void;
  open(): number;
  isText(): number;
  isDrawn(): number;
}

interface Case {
  text: Buffer;
  /** Byte of the message that is changed, from its end; 0: none. */
  fromEnd: number;
  taken: boolean;
}

const BAD_RECORD_MAC = 20;
const TEXT_BYTES = 48;
/** Behind the text: two bytes of the octet string's header, then the digest. */
const DIGEST_FROM_END = TEXT_BYTES + 2 + 10;
const text = (version: number, fill = 0x61): Buffer =>
  Buffer.concat([Buffer.from([version >> 8, version & 255]), Buffer.alloc(TEXT_BYTES - 2, fill)]);

const RIGHT: Case = { text: text(0x0101), fromEnd: 0, taken: true };
const CASES: Record<string, Case> = {
  'another text': { text: text(0x0101, 0xf0), fromEnd: 0, taken: true },
  'the version of another protocol': { text: text(0x0303), fromEnd: 0, taken: false },
  'a wrong digest': { text: text(0x0101), fromEnd: DIGEST_FROM_END, taken: false },
  'a changed text': { text: text(0x0101), fromEnd: 5, taken: false },
  'a changed version': { text: text(0x0101), fromEnd: TEXT_BYTES, taken: false },
};

const tracer = new Tracer<PreMasterExports>(
  new Uint8Array(await compileModule('test/fuzz/tlcp-pre-master')),
  (module) => startGuest<PreMasterExports>(module),
  (guest) => guest,
);
const put = (guest: PreMasterExports, { text: bytes, fromEnd }: Case): void => {
  const at = guest.room(1) >>> 0; // before the memory is looked at: it may grow
  new Uint8Array(guest.memory.buffer).set(bytes, at);
  guest.prepare(bytes.length, fromEnd);
};

describe('the work for an encrypted pre-master secret', () => {
  for (const [name, one] of Object.entries(CASES))
    it(`${name}: that of one that is right`, () => {
      const run = (guest: PreMasterExports): void => void guest.open();
      assert.equal(tracer.difference(RIGHT, one, run, put), undefined);
      let seen: number[] = [];
      const look = (guest: PreMasterExports): void => void (seen = [guest.open(), guest.isText(), guest.isDrawn()]);
      tracer.trace(one, look, put);
      assert.deepEqual(seen, one.taken ? [1, 1, 0] : [1, 0, 1]);
    });

  it('one of another length takes other work, so the trace is not blind', () => {
    const short: Case = { text: text(0x0101).subarray(0, 32), fromEnd: 0, taken: false };
    const run = (guest: PreMasterExports): void => void guest.open();
    assert.notEqual(tracer.difference(RIGHT, short, run, put), undefined);
  });
});

describe('a handshake with a pre-master secret that is wrong', () => {
  /** The server's alert and what it sent, after a client's second flight in which a byte of one record is changed. */
  function ending(record: number, fromEnd: number): { alert: number; sent: number; state: number } {
    const server = tlcp.newServer(settingsOf({ pair: 'server' }));
    const client = tlcp.newClient(settingsOf({ suites: [0xe053], host: 'tlcp.test' }), 0);
    give(server, takeOutput(client));
    give(client, takeOutput(server));
    const flight = takeOutput(client);
    let end = 0;
    for (let i = 0; i <= record; i++) end += 5 + flight.readUInt16BE(end + 3);
    flight[end - fromEnd]! ^= 0x01;
    give(server, flight);
    const seen = { alert: tlcp.alertSent(server), sent: takeOutput(server).length, state: tlcp.stateOf(server) };
    for (const one of [client, server]) tlcp.drop(one);
    return seen;
  }

  it('ends as one with a forged Finished', () => {
    const forged = ending(2, 1);
    assert.deepEqual([forged.alert, forged.state], [BAD_RECORD_MAC, FAILED]);
    for (const fromEnd of [1, TEXT_BYTES, DIGEST_FROM_END, TEXT_BYTES + 2 + 32 + 2 + 10])
      assert.deepEqual(ending(0, fromEnd), forged, `byte ${fromEnd} from the end`);
  });
});
