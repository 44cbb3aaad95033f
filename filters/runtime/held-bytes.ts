// Bytes of bodies that the host holds for this VM until a verdict: a total for the VM, one for each connection and one
// for each address of clients, so that neither many streams nor one client can take more memory than a worker has for
// it, or leave nothing to the others.
import {
  MAX_HELD_BYTES,
  MAX_HELD_CONNECTION_BYTES,
  MAX_UNCOUNTED_HELD_BYTES,
  MAX_UNWATCHED_HELD_BYTES,
} from '../limits';
import { ErrorId } from '../errors.gen';
import { addressKey } from './client-address';
import { Connections } from './connections';
import { readProperty, resultLength, resultPointer } from './host';
import { heldGiven, heldTaken } from './stats';

// "connection\0id"
const CONNECTION_ID: usize = memory.data<u8>([99, 111, 110, 110, 101, 99, 116, 105, 111, 110, 0, 105, 100]);
const CONNECTION_ID_LENGTH: u32 = 13;
// "source\0address"
const SOURCE_ADDRESS: usize = memory.data<u8>([115, 111, 117, 114, 99, 101, 0, 97, 100, 100, 114, 101, 115, 115]);
const SOURCE_ADDRESS_LENGTH: u32 = 14;

const connections: Connections = new Connections();
const addresses: Connections = new Connections();

let held: u64 = 0;
let taken: u64 = 0;
let given: u64 = 0;

/** The client of a stream: its connection and its address. The host is asked for them when they count first. */
export class Client {
  /** Bytes that may be held for its address. */
  addressLimitBytes: u64 = MAX_HELD_BYTES;
  private known: bool = false;
  /** The connection's id and 1; 0: the host does not tell which it is. */
  private connection: u64 = 0;
  /** Key of the address, see client-address.ts; 0: it has none, as behind a socket of the same machine. */
  private address: u64 = 0;

  forget(): void {
    this.known = false;
    this.connection = 0;
    this.address = 0;
  }

  /** Adds to what is held for it. ErrorId.None, or why that is too much. */
  change(bytes: i64): ErrorId {
    if (!this.known) this.identify();
    const ofConnection = this.connection == 0 ? 0 : connections.change(this.connection, bytes);
    const ofAddress = this.address == 0 ? 0 : addresses.change(this.address, bytes);
    if (ofConnection > MAX_HELD_CONNECTION_BYTES) return ErrorId.FIM_RT_0031;
    return ofAddress > this.addressLimitBytes ? ErrorId.FIM_RT_0032 : ErrorId.None;
  }

  private identify(): void {
    this.known = true;
    if (readProperty(CONNECTION_ID, CONNECTION_ID_LENGTH) && resultLength() == 8)
      this.connection = load<u64>(resultPointer()) + 1;
    if (readProperty(SOURCE_ADDRESS, SOURCE_ADDRESS_LENGTH)) this.address = addressKey(resultPointer(), resultLength());
  }
}

/** Bytes that the host buffers of one body. */
export class HeldBytes {
  private bytes: u32 = 0;
  /** The part of them that is counted for the client. */
  private clientBytes: u32 = 0;

  constructor(private readonly client: Client) {}

  /**
   * The host holds `bytes` from now on. ErrorId.None, or why they are too many with all others; they are counted either
   * way. While the worker holds little, only a body that is large asks for its client.
   */
  hold(bytes: u32): ErrorId {
    const before = this.bytes;
    this.bytes = bytes;
    if (bytes >= before) taken += bytes - before;
    else given += before - bytes;
    held += <u64>bytes - before;
    if (held > MAX_HELD_BYTES) return ErrorId.FIM_RT_0030;
    if (bytes <= MAX_UNCOUNTED_HELD_BYTES && held <= MAX_UNWATCHED_HELD_BYTES && this.clientBytes == 0)
      return ErrorId.None;
    const change = <i64>bytes - this.clientBytes;
    this.clientBytes = bytes;
    return this.client.change(change);
  }

  /** The host buffers nothing of the body any longer: it passed, was dropped, or its stream ended. */
  giveBack(): void {
    const bytes = this.bytes;
    if (bytes == 0) return;
    held -= bytes;
    given += bytes;
    this.bytes = 0;
    if (this.clientBytes == 0) return;
    this.client.change(-(<i64>this.clientBytes));
    this.clientBytes = 0;
  }
}

/** Updates the counters with the changes since the last call. */
export function tellHeld(): void {
  heldTaken.add(taken);
  heldGiven.add(given);
  taken = 0;
  given = 0;
}
