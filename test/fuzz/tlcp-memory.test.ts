// Memory of connections that are open and idle, counted.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OPEN, pump, put, settingsOf, SUITES, takeOutput, takePlain, tlcp } from './tlcp-guest.ts';

const CONNECTIONS = 10_000;
const COLLECT_EVERY = 100;
/** Figures of filters/tlcp/README.md, bytes. */
const MOST_BYTES = 24 * 1024;
const LIKELY_BYTES = 4 * 1024;

describe('memory', () => {
  it(`${CONNECTIONS} idle connections of clients with certificates`, (t) => {
    const server = settingsOf({ pair: 'server', auth: 2, keepsSessions: false, tickets: new Uint8Array(32).fill(3) });
    const client = settingsOf({ pair: 'client', suites: [SUITES['ECC-GCM']], takesTickets: true });
    const open = (session: number): [number, number] => {
      const ends = [tlcp.newServer(server), tlcp.newClient(client, session)] as [number, number];
      pump(ends[1], ends[0]);
      assert.equal(tlcp.stateOf(ends[0]), OPEN);
      return ends;
    };
    // The first ones make what is common: expanded keys, the generator's table.
    const [, first] = open(0);
    const session = tlcp.keepSession(first);
    for (let i = 0; i < COLLECT_EVERY; i++) tlcp.drop(open(session)[1]);
    tlcp.collect();
    const before = tlcp.memory.buffer.byteLength;
    const servers: number[] = [];
    for (let i = 0; i < CONNECTIONS; i++) {
      const [ours, theirs] = open(session);
      servers.push(ours);
      // Each has carried something, then rests.
      tlcp.send(theirs, put('GET / HTTP/1.1\r\n\r\n'));
      pump(theirs, ours);
      assert.equal(takePlain(ours).length, 18);
      assert.equal(takeOutput(ours).length, 0);
      tlcp.drop(theirs);
      if (i % COLLECT_EVERY === 0) tlcp.collect();
    }
    const each = (tlcp.memory.buffer.byteLength - before) / CONNECTIONS;
    t.diagnostic(`${Math.round(each)} bytes a connection, its client's certificate included`);
    assert.ok(each < MOST_BYTES);
    assert.ok(each < LIKELY_BYTES, 'the README says less');
    for (const one of servers) tlcp.drop(one);
    tlcp.collect();
    const held = tlcp.memory.buffer.byteLength;
    for (let i = 0; i < COLLECT_EVERY; i++) open(session).forEach((end) => tlcp.drop(end));
    assert.equal(tlcp.memory.buffer.byteLength, held, 'what was given back is used again');
  });
});
