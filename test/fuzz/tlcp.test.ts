// Random input to national TLS: records, messages, certificates, the order of messages. Nothing traps, hangs or leaks, and
// no handshake that was touched succeeds. `FIM_FUZZ_CASES` sets the number of cases of each.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { caseCount } from './guest.ts';
import { random, steadily, touched } from './tlcp-chaos.ts';
import { give, OPEN, pump, put, settingsOf, SUITES, takeOutput, takePlain, tlcp, transcripts } from './tlcp-guest.ts';

const CASES = 1500;

const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll(/-----.*-----|\s/g, ''), 'base64');
const certificates = Object.entries(transcripts.certificates)
  .filter(([name]) => name.endsWith('.pem'))
  .map(([, text]) => bytesOf(text));
const pemOf = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

/** A client and a server that would agree on a suite. */
function settingsFor(suite: number): { client: number; server: number } {
  return {
    client: settingsOf({
      suites: [suite],
      pair: 'client',
      takesTickets: true,
      host: 'tlcp.test',
      protocols: ['http/1.1'],
    }),
    // No sessions by id: a thousand of them are kept, and would look like a leak.
    server: settingsOf({
      pair: 'server',
      auth: 1,
      keepsSessions: false,
      tickets: new Uint8Array(32).fill(7),
      protocols: ['http/1.1'],
    }),
  };
}

const all = Object.values(SUITES).map(settingsFor);

/** The records of a flight. */
function recordsOf(flight: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < flight.length;) {
    const end = at + 5 + flight.readUInt16BE(at + 3);
    records.push(flight.subarray(at, end));
    at = end;
  }
  return records;
}

/** Carries flights; `change` may replace one. Whether both ends are open afterwards. */
function handshake(
  settings: { client: number; server: number },
  change: (flight: Buffer, i: number) => Buffer,
): boolean {
  const ends = { server: tlcp.newServer(settings.server), client: tlcp.newClient(settings.client, 0) };
  for (let i = 0; i < 4; i++) {
    const [from, to] = i % 2 === 0 ? [ends.client, ends.server] : [ends.server, ends.client];
    const flight = takeOutput(from);
    give(to, flight.length > 0 ? change(flight, i) : flight, 1 + random.below(3000));
    takePlain(to);
  }
  const open = tlcp.stateOf(ends.client) === OPEN && tlcp.stateOf(ends.server) === OPEN;
  for (const end of [ends.client, ends.server]) tlcp.drop(end);
  return open;
}

describe('random input', () => {
  it('an untouched handshake succeeds, so a failure means something', () => {
    for (const settings of all) assert.ok(handshake(settings, (flight) => flight));
  });

  it('bytes from nowhere, to both roles', () => {
    steadily(caseCount(CASES), () => {
      const settings = random.pick(all);
      const isServer = random.chance(50);
      const end = isServer ? tlcp.newServer(settings.server) : tlcp.newClient(settings.client, 0);
      const length = random.below(300);
      const bytes = Buffer.from(Array.from({ length }, () => random.below(256)));
      // Half of them are let through the record layer.
      if (random.chance(50))
        bytes.set([random.pick([20, 21, 22, 23]), 1, 1, 0, Math.max(0, length - 5)].slice(0, length));
      give(end, bytes, 1 + random.below(40));
      assert.notEqual(tlcp.stateOf(end), OPEN);
      takeOutput(end);
      tlcp.drop(end);
    });
  });

  it('flights with changed bytes', () => {
    steadily(caseCount(CASES), () => {
      const at = random.below(4);
      let wasAppended = false;
      const done = handshake(random.pick(all), (flight, i) => {
        if (i !== at) return flight;
        const changed = touched(flight);
        // Bytes behind a Finished, the last of both sides' second flights, begin a record that is still to come.
        wasAppended = at >= 2 && changed.subarray(0, flight.length).equals(flight);
        return changed;
      });
      assert.ok(!done || wasAppended);
    });
  });

  it('messages left out, repeated, swapped or sent in another flight', () => {
    steadily(caseCount(CASES), () => {
      const at = random.below(4);
      const way = random.below(4);
      let kept: Buffer[] = [];
      const done = handshake(random.pick(all), (flight, i) => {
        if (i < at) kept = recordsOf(flight);
        if (i !== at) return flight;
        const records = recordsOf(flight);
        const one = random.below(records.length);
        const other = random.below(records.length);
        if (way === 0) records.splice(one, 1);
        else if (way === 1) records.splice(other, 0, records[one]!);
        else if (way === 2 && one !== other) [records[one], records[other]] = [records[other]!, records[one]!];
        else records.splice(one, 0, kept[0] ?? records[0]!);
        return Buffer.concat(records);
      });
      assert.equal(done, false);
    });
  });

  it('records of an open connection with changed bytes end it and hand nothing on', () => {
    const sessions = new Map(
      all.map((settings) => {
        const ends = { server: tlcp.newServer(settings.server), client: tlcp.newClient(settings.client, 0) };
        pump(ends.client, ends.server);
        return [settings, tlcp.keepSession(ends.client)];
      }),
    );
    steadily(caseCount(CASES), () => {
      const settings = random.pick(all);
      // Resumed by a ticket: a full handshake would take most of the time.
      const ends = {
        server: tlcp.newServer(settings.server),
        client: tlcp.newClient(settings.client, sessions.get(settings)!),
      };
      pump(ends.client, ends.server);
      assert.equal(tlcp.isResumed(ends.server), 1);
      tlcp.send(ends.client, put(Buffer.alloc(random.below(200), 'x')));
      const record = takeOutput(ends.client);
      give(ends.server, touched(record), 1 + random.below(50));
      const said = takePlain(ends.server).toString();
      assert.match(said, /^x*$/);
      if (tlcp.stateOf(ends.server) === OPEN) assert.ok(said === '' || said.length <= 200); // cut, or repeated in part
      for (const end of [ends.client, ends.server]) tlcp.drop(end);
    });
  });

  it('certificates', () => {
    const settings = settingsOf({ trust: [] });
    steadily(caseCount(CASES * 4), (i) => {
      const der = touched(random.pick(certificates));
      const fault = tlcp.trust(settings, put(pemOf(der)));
      assert.ok(fault >= 0 && fault <= 16, `case ${i}`);
    });
  });
});
