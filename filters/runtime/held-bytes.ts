// Bytes of bodies that the host holds for this VM until a verdict: a total for the VM, and one for each connection that
// holds much, so that neither many streams nor one client can take more memory than a worker has for it.
import { MAX_HELD_BYTES, MAX_HELD_CONNECTION_BYTES, MAX_UNCOUNTED_HELD_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { Connections } from './connections';
import { readProperty, resultLength, resultPointer } from './host';
import { heldGiven, heldTaken } from './stats';

// "connection\0id"
const CONNECTION_ID: usize = memory.data<u8>([99, 111, 110, 110, 101, 99, 116, 105, 111, 110, 0, 105, 100]);
const CONNECTION_ID_LENGTH: u32 = 13;

const connections: Connections = new Connections();

let held: u64 = 0;
let taken: u64 = 0;
let given: u64 = 0;

/** The connection of a stream; the host is asked which it is when that counts for the first time. */
export class Connection {
  /** Its id and 1; 0: nobody asked yet. */
  private id: u64 = 0;

  forget(): void {
    this.id = 0;
  }

  /** False: the host does not tell which it is. */
  identify(): bool {
    if (this.id == 0 && readProperty(CONNECTION_ID, CONNECTION_ID_LENGTH) && resultLength() == 8)
      this.id = load<u64>(resultPointer()) + 1;
    return this.id != 0;
  }

  /** Adds to what it holds, and answers with the sum, bytes. It is identified. */
  change(bytes: i64): u64 {
    return connections.change(this.id, bytes);
  }
}

/** Bytes that the host holds of one body. */
export class HeldBytes {
  private bytes: u32 = 0;
  /** Those of them that are counted for the connection. */
  private connectionBytes: u32 = 0;

  constructor(private readonly connection: Connection) {}

  /**
   * The host holds `bytes` from now on. ErrorId.None, or why they are too many with all others; they are counted either
   * way. Only a body that holds much asks for its connection.
   */
  hold(bytes: u32): ErrorId {
    const before = this.bytes;
    this.bytes = bytes;
    if (bytes >= before) taken += bytes - before;
    else given += before - bytes;
    held += <u64>bytes - before;
    if (held > MAX_HELD_BYTES) return ErrorId.FIM_RT_0030;
    if (bytes <= MAX_UNCOUNTED_HELD_BYTES && this.connectionBytes == 0) return ErrorId.None;
    if (!this.connection.identify()) return ErrorId.None;
    const sum = this.connection.change(<i64>bytes - this.connectionBytes);
    this.connectionBytes = bytes;
    return sum > MAX_HELD_CONNECTION_BYTES ? ErrorId.FIM_RT_0031 : ErrorId.None;
  }

  /** The host holds nothing of the body for us any longer: it went on, was dropped, or its stream ended. */
  giveBack(): void {
    const bytes = this.bytes;
    if (bytes == 0) return;
    held -= bytes;
    given += bytes;
    this.bytes = 0;
    if (this.connectionBytes == 0) return;
    this.connection.change(-(<i64>this.connectionBytes));
    this.connectionBytes = 0;
  }
}

/** Tells the counters what came and went since the last time. */
export function tellHeld(): void {
  heldTaken.add(taken);
  heldGiven.add(given);
  taken = 0;
  given = 0;
}
