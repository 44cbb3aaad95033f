// Ends of requests over national TLS: the same in whatever pieces they come, and where Node's parser finds it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { caseCount, compileGuest, type GuestExports, Random } from './guest.ts';

interface FramingExports extends GuestExports {
  begin(): void;
  take(from: number, to: number): number;
  skipped(): number;
  refusal(): number;
  isBetween(): number;
}

const guest = await compileGuest<FramingExports>('test/fuzz/request-framing');
const { exports } = guest;

interface Reading {
  /** Bytes of each request. */
  sizes: number[];
  refusal: number;
  isBetween: boolean;
}

function read(text: string, step: () => number): Reading {
  const length = guest.put(text);
  exports.begin();
  const sizes: number[] = [];
  let [from, passed, to] = [0, 0, 0];
  while (to < length) {
    to = Math.min(length, to + step());
    while (from < to) {
      const taken = exports.take(from, to);
      if (exports.refusal() !== 0) return { sizes, refusal: exports.refusal(), isBetween: false };
      if (taken === 0) break;
      from += taken;
      passed += taken - exports.skipped();
      if (!exports.isBetween() || passed === 0) continue;
      sizes.push(passed);
      passed = 0;
    }
  }
  return { sizes, refusal: 0, isBetween: exports.isBetween() !== 0 && from === length };
}

/** Lengths of the bodies that Node's server reads, and whether it refused something. */
async function nodeReads(text: string): Promise<{ bodies: number[]; refused: boolean }> {
  const bodies: number[] = [];
  let refused = false;
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    let size = 0;
    request.on('data', (data: Buffer) => (size += data.length));
    request.on('end', () => {
      bodies.push(size);
      response.end();
    });
  });
  server.on('clientError', (_error, socket) => {
    refused = true;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.end(Buffer.from(text, 'latin1'));
  await once(socket, 'close');
  server.close();
  return { bodies, refused };
}

const FIELDS = [
  ['Content-Length: 5', '12345'],
  ['content-length:\t 05  ', '12345'],
  ['Content-Length: 5', '\r\n\r\n\n'],
  ['Content-Length: 0', ''],
  ['Transfer-Encoding: chunked', '5\r\n12345\r\n0\r\n\r\n'],
  ['transfer-encoding:Chunked', 'A\r\nGET / HTTP\r\n001\r\n\n\r\n0\r\nX-T: 1\r\n\r\n'],
  ['X-A: b', ''],
  ['X-A:', ''],
] as const;
/** Pieces that a mutation puts in. */
const BITS = ['\r', '\n', '\r\n', ' ', '\t', '\0', ':', ';', ',', '0', '5', '+', 'Content-Length: 3\r\n', '\r\n '];

function message(random: Random): string {
  let text = '';
  for (let i = random.below(3) + 1; i > 0; i--) {
    const [field, body] = FIELDS[random.below(FIELDS.length)]!;
    text += `${random.below(4) === 0 ? '\r\n' : ''}POST /a HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n${body}`;
  }
  for (let i = random.below(3); i > 0; i--) {
    const at = random.below(text.length);
    text = text.slice(0, at) + BITS[random.below(BITS.length)]! + text.slice(at + random.below(2));
  }
  return text;
}

describe('requests of a client', () => {
  it('end at the same bytes in whatever pieces they come, and where Node finds it', async () => {
    const random = new Random(20_261_129);
    let [compared, refused] = [0, 0];
    for (let i = 0; i < caseCount(600); i++) {
      const text = message(random);
      const whole = read(text, () => text.length);
      for (const step of [(): number => 1, (): number => 1 + random.below(9)])
        assert.deepEqual(read(text, step), whole, JSON.stringify(text));
      if (whole.refusal !== 0) refused++;
      if (whole.refusal !== 0 || !whole.isBetween) continue;
      const node = await nodeReads(text);
      if (node.refused) continue;
      compared++;
      assert.equal(node.bodies.length, whole.sizes.length, JSON.stringify(text));
    }
    assert.ok(compared > 100 && refused > 100, `${compared} compared, ${refused} refused`);
  });
});
