// Configurations that some VM of this process has accepted. Envoy tries each new one in a VM of its own before the
// workers get it. No worker may refuse one that was accepted there, because Envoy would then serve without the filter.
// A worker that cannot use it keeps a root that refuses all requests.
//
// One shared value, a ring: the number of the next place, then places of 16 bytes: hash of the text, its length.
import { ACCEPTED_PLACES, MAX_SWAP_TRIES } from '../limits';
import { Bytes, hashBytes64 } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { RootContext } from './root-context';
import { SharedValue, Swap, createShared } from './shared-data';

const KEY: Bytes = Bytes.from('fim.accepted');
const HEADER_BYTES: u32 = 16;
const PLACE_BYTES: u32 = 16;
const VALUE_BYTES: u32 = HEADER_BYTES + ACCEPTED_PLACES * PLACE_BYTES;

const ring: SharedValue = new SharedValue();

/** Stores the identity of the root's text. `pointer` 0: the VM could not read it, and only its length is known. */
export function identify(root: RootContext, pointer: usize, length: u32): void {
  root.textHash = pointer == 0 ? 0 : hashBytes64(pointer, length);
  root.textLength = length;
}

/** Whether a VM of this process has accepted the root's text. If it could not be read: a text of its length. */
export function wasAccepted(root: RootContext): bool {
  return ring.read(KEY.pointer, KEY.length) && ring.length == VALUE_BYTES && place(root) != 0;
}

/**
 * Notes that the root's text is accepted, unless that is noted already. The oldest note makes room. Roots in force
 * repeat this, so that their notes stay.
 */
export function noteAccepted(root: RootContext): void {
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!ring.read(KEY.pointer, KEY.length) && !create()) return;
    if (ring.pointer == 0 || ring.length != VALUE_BYTES || place(root) != 0) return;
    const next = load<u32>(ring.pointer) % ACCEPTED_PLACES;
    const at = ring.pointer + HEADER_BYTES + next * PLACE_BYTES;
    store<u64>(at, root.textHash);
    store<u32>(at, root.textLength, 8);
    store<u32>(ring.pointer, next + 1);
    if (ring.swap(KEY.pointer, KEY.length) != Swap.Lost) return;
  }
}

function create(): bool {
  const fresh = scratch.allocate(VALUE_BYTES);
  if (fresh == 0) return false;
  memory.fill(fresh, 0, VALUE_BYTES);
  return createShared(KEY.pointer, KEY.length, fresh, VALUE_BYTES) && ring.read(KEY.pointer, KEY.length);
}

/**
 * Address of the root's place in the ring that was read. 0 if it has none. No VM accepts an empty text, so a length of
 * 0 marks a free place.
 */
function place(root: RootContext): usize {
  if (root.textLength == 0) return 0;
  let at = ring.pointer + HEADER_BYTES;
  for (let i: u32 = 0; i < ACCEPTED_PLACES; i++, at += PLACE_BYTES) {
    if (load<u32>(at, 8) != root.textLength) continue;
    if (root.textHash == 0 || load<u64>(at) == root.textHash) return at;
  }
  return 0;
}
