// Records under a key: SM4-GCM with an explicit nonce of 8 bytes, or SM4-CBC with an explicit IV and a code inside
// (GB/T 38636-2020, 6.3.3; RFC 5246, 6.2.3). A connection keeps its keys as they are; what is expanded from them, ten
// kilobytes and more, is kept for the directions in use.
import { MAX_EXPANDED_KEYS } from '../limits';
import { wipe } from '../crypto/constant-time';
import { Sm4Cbc } from '../crypto/sm4-cbc';
import { Sm4Gcm } from '../crypto/sm4-gcm';
import { Chance } from './chance';
import { VERSION } from './protocol';
import { CODE_BYTES, RecordMac } from './record-mac';

const KEY_BYTES: u32 = 16;
const SALT_BYTES: u32 = 4;
const NONCE_BYTES: u32 = 8;
const TAG_BYTES: u32 = 16;
const IV_BYTES: u32 = 16;
/** Most bytes that protection adds. */
export const EXPANSION_BYTES: u32 = 16 + 32 + 16;

const HEADER: usize = memory.data(16, 16);
const NONCE: usize = memory.data(16, 16);

/** Expanded keys of one direction. */
class Expanded {
  owner: Direction | null = null;
  gcm: Sm4Gcm | null = null;
  cbc: Sm4Cbc | null = null;
  mac: RecordMac | null = null;
}

const slots: StaticArray<Expanded | null> = new StaticArray<Expanded | null>(MAX_EXPANDED_KEYS);
let next: i32 = 0;

/** One direction of a connection: keys, sequence number. Without keys it is plaintext. */
export class Direction {
  /** Sequence number of the next record. */
  sequence: u64 = 0;
  private keyed: bool = false;
  private gcm: bool = false;
  /** Code key (32 bytes; CBC), key (16), salt (4; GCM), explicit nonce (8; GCM, when writing). */
  private readonly keys: StaticArray<u8> = new StaticArray<u8>(64);
  private slot: i32 = -1;

  get isProtected(): bool {
    return this.keyed;
  }

  /** Takes keys into use. `codeKey` counts for CBC, `salt` and the first nonce for GCM. */
  setKeys(gcm: bool, codeKey: usize, key: usize, salt: usize): void {
    this.forget();
    const keys = changetype<usize>(this.keys);
    if (!gcm) memory.copy(keys, codeKey, CODE_BYTES);
    memory.copy(keys + 32, key, KEY_BYTES);
    if (gcm) memory.copy(keys + 48, salt, SALT_BYTES);
    this.gcm = gcm;
    this.keyed = true;
    this.sequence = 0;
  }

  /** Draws the first explicit nonce of a direction that writes. */
  drawNonce(chance: Chance): bool {
    return !this.gcm || chance.bytes(changetype<usize>(this.keys) + 52, NONCE_BYTES);
  }

  /** Overwrites keys and what was expanded from them. */
  forget(): void {
    wipe(changetype<usize>(this.keys), 64);
    this.keyed = false;
    const slot = this.slot;
    this.slot = -1;
    if (slot < 0) return;
    const expanded = unchecked(slots[slot]);
    if (expanded && expanded.owner === this) vacate(expanded);
  }

  /** Bytes before the content in a protected record. */
  get prefixBytes(): u32 {
    return !this.keyed ? 0 : this.gcm ? NONCE_BYTES : IV_BYTES;
  }

  /**
   * Protects `length` bytes that stand at `record` + `prefixBytes`, in place, and writes what comes before and behind.
   * Bytes of the whole; 0: the host has no randomness.
   */
  seal(type: u32, record: usize, length: u32, chance: Chance): u32 {
    if (!this.keyed) return length;
    const expanded = this.expanded();
    this.writeHeader(type, length);
    if (this.gcm) {
      const keys = changetype<usize>(this.keys);
      const content = record + NONCE_BYTES;
      memory.copy(record, keys + 52, NONCE_BYTES);
      memory.copy(NONCE, keys + 48, SALT_BYTES + NONCE_BYTES);
      expanded.gcm!.encrypt(NONCE, SALT_BYTES + NONCE_BYTES, HEADER, 13, content, content, length, content + length);
      store<u64>(keys + 52, bswap<u64>(bswap<u64>(load<u64>(keys + 52)) + 1));
      this.sequence++;
      return NONCE_BYTES + length + TAG_BYTES;
    }
    const content = record + IV_BYTES;
    if (!chance.bytes(record, IV_BYTES)) return 0;
    expanded.mac!.make(HEADER, content, length, content + length);
    let filled = length + CODE_BYTES;
    const padding = 15 - (filled & 15);
    memory.fill(content + filled, <u8>padding, padding + 1);
    filled += padding + 1;
    expanded.cbc!.encryptBlocks(record, content, filled, content);
    this.sequence++;
    return IV_BYTES + filled;
  }

  /** Opens a record in place: its content then stands at `record` + `prefixBytes`. Its length; -1: it is forged. */
  open(type: u32, record: usize, length: u32): i32 {
    if (!this.keyed) return <i32>length;
    const expanded = this.expanded();
    if (this.gcm) {
      if (length < NONCE_BYTES + TAG_BYTES) return -1;
      const size = length - NONCE_BYTES - TAG_BYTES;
      const content = record + NONCE_BYTES;
      this.writeHeader(type, size);
      memory.copy(NONCE, changetype<usize>(this.keys) + 48, SALT_BYTES);
      memory.copy(NONCE + SALT_BYTES, record, NONCE_BYTES);
      const nonceBytes = SALT_BYTES + NONCE_BYTES;
      const good = expanded.gcm!.decrypt(NONCE, nonceBytes, HEADER, 13, content, content, size, content + size);
      this.sequence++;
      return good ? <i32>size : -1;
    }
    if (length < IV_BYTES + 48 || (length & 15) != 0) return -1;
    const size = length - IV_BYTES;
    expanded.cbc!.decryptBlocks(record, record + IV_BYTES, size, record + IV_BYTES);
    this.writeHeader(type, 0);
    const content = expanded.mac!.open(HEADER, record + IV_BYTES, size);
    this.sequence++;
    return content;
  }

  private writeHeader(type: u32, length: u32): void {
    store<u64>(HEADER, bswap<u64>(this.sequence));
    store<u8>(HEADER, <u8>type, 8);
    store<u16>(HEADER, bswap<u16>(<u16>VERSION), 9);
    store<u16>(HEADER, bswap<u16>(<u16>length), 11);
  }

  private expanded(): Expanded {
    if (this.slot >= 0) {
      const mine = unchecked(slots[this.slot]);
      if (mine && mine.owner === this) return mine;
    }
    let fresh = unchecked(slots[next]);
    if (!fresh) {
      fresh = new Expanded();
      unchecked((slots[next] = fresh));
    }
    vacate(fresh);
    fresh.owner = this;
    this.slot = next;
    next = (next + 1) % MAX_EXPANDED_KEYS;
    this.expand(fresh);
    return fresh;
  }

  private expand(to: Expanded): void {
    const keys = changetype<usize>(this.keys);
    if (this.gcm) {
      if (!to.gcm) to.gcm = new Sm4Gcm();
      to.gcm!.setKey(keys + 32);
      return;
    }
    if (!to.cbc) to.cbc = new Sm4Cbc();
    if (!to.mac) to.mac = new RecordMac();
    to.cbc!.setKey(keys + 32);
    to.mac!.setKey(keys);
  }
}

function vacate(slot: Expanded): void {
  if (slot.owner == null) return;
  slot.owner = null;
  if (slot.gcm) slot.gcm!.wipe();
  if (slot.cbc) slot.cbc!.wipe();
  if (slot.mac) slot.mac!.wipe();
}
