// ClientHello as a server reads it (GB/T 38636-2020, 6.4.5.2). Extensions that are not known are passed over, as the
// field demands.
import { MAX_SERVER_NAME_BYTES } from '../limits';
import { Cursor } from './cursor';
import { ALPN, RANDOM_BYTES, SERVER_NAME, SESSION_ID_BYTES, SESSION_TICKET } from './protocol';

/** Addresses point into the message, and hold until the next one is handled. */
export class ClientHello {
  version: u32 = 0;
  random: usize = 0;
  id: usize = 0;
  idLength: u32 = 0;
  suites: usize = 0;
  suitesLength: u32 = 0;
  /** Name that the client wants; 0: it says none. */
  name: usize = 0;
  nameLength: u32 = 0;
  /** List of protocols; 0: it offers none. */
  protocols: usize = 0;
  protocolsLength: u32 = 0;
  takesTicket: bool = false;
  ticket: usize = 0;
  ticketLength: u32 = 0;

  /** False: malformed. */
  read(body: usize, length: u32): bool {
    const cursor = new Cursor();
    cursor.open(body, length);
    this.version = cursor.u16();
    this.random = cursor.take(RANDOM_BYTES);
    this.idLength = cursor.u8();
    this.id = cursor.take(this.idLength);
    this.suitesLength = cursor.u16();
    this.suites = cursor.take(this.suitesLength);
    const methods = cursor.u8();
    const method = cursor.take(methods);
    if (!cursor.isGood || this.idLength > SESSION_ID_BYTES || this.suitesLength < 2 || (this.suitesLength & 1) != 0)
      return false;
    if (!hasNull(method, methods)) return false;
    return cursor.left == 0 || this.readExtensions(cursor);
  }

  offers(suite: u32): bool {
    for (let i: u32 = 0; i < this.suitesLength; i += 2)
      if (bswap<u16>(load<u16>(this.suites + i)) == <u16>suite) return true;
    return false;
  }

  private readExtensions(cursor: Cursor): bool {
    if (cursor.u16() != cursor.left) return false;
    let seen: u64 = 0;
    while (cursor.isGood && cursor.left > 0) {
      const type = cursor.u16();
      const size = cursor.u16();
      const value = cursor.take(size);
      if (!cursor.isGood) return false;
      if (type < 64) {
        if ((seen >> type) & 1) return false;
        seen |= (<u64>1) << type;
      }
      if (type == SERVER_NAME && !this.readName(value, size)) return false;
      if (type == ALPN && !this.readProtocols(value, size)) return false;
      if (type != SESSION_TICKET) continue;
      this.takesTicket = true;
      this.ticket = value;
      this.ticketLength = size;
    }
    return cursor.isDone;
  }

  /** The first name of the kind host_name. A server's acknowledgement, an empty extension, is taken too. */
  private readName(value: usize, size: u32): bool {
    if (size == 0) return true;
    const cursor = new Cursor();
    cursor.open(value, size);
    if (cursor.u16() != cursor.left) return false;
    while (cursor.isGood && cursor.left > 0) {
      const kind = cursor.u8();
      const length = cursor.u16();
      const name = cursor.take(length);
      if (kind != 0 || this.name != 0 || name == 0) continue;
      if (length == 0 || length > MAX_SERVER_NAME_BYTES) return false;
      this.name = name;
      this.nameLength = length;
    }
    return cursor.isDone;
  }

  private readProtocols(value: usize, size: u32): bool {
    const cursor = new Cursor();
    cursor.open(value, size);
    this.protocolsLength = cursor.u16();
    this.protocols = cursor.take(this.protocolsLength);
    if (!cursor.isDone || this.protocolsLength == 0) return false;
    cursor.open(this.protocols, this.protocolsLength);
    while (cursor.isGood && cursor.left > 0) if (cursor.take(max(cursor.u8(), 1)) == 0) return false;
    return cursor.isDone;
  }
}

/** Whether "no compression" is offered. */
function hasNull(methods: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) if (load<u8>(methods + i) == 0) return true;
  return false;
}
