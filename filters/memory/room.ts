// The engine ends a VM that asks for more memory than there may be, with all its streams. What a message asks for is
// refused before.
import { MAX_VM_BYTES } from '../limits';

/**
 * Whether the heap may be asked for `bytes` more. Blocks that are free in it are not known here, so near the limit it
 * says no too often rather than too late.
 */
export function hasRoom(bytes: usize): bool {
  return ((<usize>memory.size()) << 16) + bytes <= MAX_VM_BYTES;
}
