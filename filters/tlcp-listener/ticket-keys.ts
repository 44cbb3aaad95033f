// Keys of session tickets that all workers share, so that a session is resumed whatever worker takes the connection.
// They exist in the shared data of this proxy's process and in its workers' memory only.
//
// One shared value: places of 40 bytes, the newest first: time of creation (wall clock, milliseconds), key.
import { MAX_SWAP_TRIES, MAX_TICKET_KEYS } from '../limits';
import { wipe } from '../crypto/constant-time';
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';
import { TICKET_KEY_BYTES, TicketKeys } from '../tlcp/session';

const KEY: Bytes = Bytes.from('fim.tlcp.tickets');
const PLACE_BYTES: u32 = 8 + TICKET_KEY_BYTES;
/** Keys that are in use: the one that makes tickets and the one before. */
const KEPT_KEYS: u32 = 2;
const VALUE_BYTES: u32 = KEPT_KEYS * PLACE_BYTES;
const KEYS: usize = memory.data(128, 16);

const shared: SharedValue = new SharedValue();
let newestAt: i64 = 0;
let current: TicketKeys | null = null;

/**
 * The keys, or null if the host has no randomness or no shared data: sessions are then resumed by id only. `lifeMs`: how long
 * one makes tickets; as long again it opens them.
 */
export function ticketKeys(nowMs: i64, lifeMs: i64): TicketKeys | null {
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!shared.read(KEY.pointer, KEY.length) && !create(nowMs)) break;
    if (shared.length != VALUE_BYTES) break;
    const made = load<i64>(shared.pointer);
    if (nowMs - made < lifeMs || !renew(nowMs)) return take(nowMs, lifeMs);
    if (shared.swap(KEY.pointer, KEY.length) == Swap.Done) return take(nowMs, lifeMs);
  }
  return null;
}

/** Makes the value unless another worker has. */
function create(nowMs: i64): bool {
  const fresh = scratch.allocate(VALUE_BYTES);
  if (fresh == 0) return false;
  memory.fill(fresh, 0, VALUE_BYTES);
  store<i64>(fresh, nowMs);
  if (!randomBytes(fresh + 8, TICKET_KEY_BYTES)) return false;
  const created = createShared(KEY.pointer, KEY.length, fresh, VALUE_BYTES);
  wipe(fresh, VALUE_BYTES);
  return created && shared.read(KEY.pointer, KEY.length);
}

/** Puts a new key in front, in the copy that was read. */
function renew(nowMs: i64): bool {
  memory.copy(shared.pointer + PLACE_BYTES, shared.pointer, PLACE_BYTES);
  store<i64>(shared.pointer, nowMs);
  return randomBytes(shared.pointer + 8, TICKET_KEY_BYTES);
}

/** The keys in the copy that was read, which is overwritten. */
function take(nowMs: i64, lifeMs: i64): TicketKeys | null {
  const newest = load<i64>(shared.pointer);
  if (current == null || newest != newestAt) {
    const before = load<i64>(shared.pointer, PLACE_BYTES);
    const count = before != 0 && nowMs - before < 2 * lifeMs ? 2 : 1;
    for (let i = 0; i < min(count, MAX_TICKET_KEYS); i++)
      memory.copy(KEYS + i * TICKET_KEY_BYTES, shared.pointer + i * PLACE_BYTES + 8, TICKET_KEY_BYTES);
    current = new TicketKeys(KEYS, count);
    wipe(KEYS, 2 * TICKET_KEY_BYTES);
    newestAt = newest;
  }
  wipe(shared.pointer, VALUE_BYTES);
  return current;
}
