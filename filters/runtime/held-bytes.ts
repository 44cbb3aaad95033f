// Bytes of bodies that the host holds for this VM until a verdict: a total for the VM, and one for each connection that
// holds much, so that neither many streams nor one client can take more memory than a worker has for it.
import { MAX_HELD_BYTES, MAX_HELD_CONNECTION_BYTES, MAX_UNCOUNTED_HELD_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { Connections } from './connections';
import { readProperty, resultLength, resultPointer } from './host';
import { heldGiven, heldTaken } from './stats';
import { Half, Stream } from './stream';

// "connection\0id"
const CONNECTION_ID: usize = memory.data<u8>([99, 111, 110, 110, 101, 99, 116, 105, 111, 110, 0, 105, 100]);
const CONNECTION_ID_LENGTH: u32 = 13;

const connections: Connections = new Connections();

let held: u64 = 0;
let taken: u64 = 0;
let given: u64 = 0;

/**
 * The host holds `bytes` of this direction's body from now on. ErrorId.None, or why they are too many with all others;
 * they are counted either way. Only a body that holds much asks for its connection.
 */
export function hold(stream: Stream, half: Half, bytes: u32): ErrorId {
  const before = half.heldBytes;
  half.heldBytes = bytes;
  if (bytes >= before) taken += bytes - before;
  else given += before - bytes;
  held += <u64>bytes - before;
  if (held > MAX_HELD_BYTES) return ErrorId.FIM_RT_0030;
  if (bytes <= MAX_UNCOUNTED_HELD_BYTES && half.connectionBytes == 0) return ErrorId.None;
  return countConnection(stream, half, bytes) > MAX_HELD_CONNECTION_BYTES ? ErrorId.FIM_RT_0031 : ErrorId.None;
}

/** What the connection of the stream holds, bytes; 0: the host does not tell which it is. */
function countConnection(stream: Stream, half: Half, bytes: u32): u64 {
  if (stream.connection == 0) {
    if (!readProperty(CONNECTION_ID, CONNECTION_ID_LENGTH) || resultLength() != 8) return 0;
    stream.connection = load<u64>(resultPointer()) + 1;
  }
  const sum = connections.change(stream.connection, <i64>bytes - half.connectionBytes);
  half.connectionBytes = bytes;
  return sum;
}

/** The host holds nothing of this direction's body for us any longer: it went on, was dropped, or its stream ended. */
export function giveBack(stream: Stream, half: Half): void {
  const bytes = half.heldBytes;
  if (bytes == 0) return;
  held -= bytes;
  given += bytes;
  half.heldBytes = 0;
  if (half.connectionBytes == 0) return;
  connections.change(stream.connection, -(<i64>half.connectionBytes));
  half.connectionBytes = 0;
}

/** Tells the counters what came and went since the last time. */
export function tellHeld(): void {
  heldTaken.add(taken);
  heldGiven.add(given);
  taken = 0;
  given = 0;
}
