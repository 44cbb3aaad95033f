// Memory check before allocation. The engine ends a VM that requests more memory than permitted, with all its streams,
// so messages must be refused before that.
import { MAX_VM_BYTES } from '../limits';

/**
 * Whether the heap may grow by `bytes`. Free blocks inside the heap are not counted, so near the limit it returns false
 * too often rather than too late.
 */
export function hasRoom(bytes: usize): bool {
  return ((<usize>memory.size()) << 16) + bytes <= MAX_VM_BYTES;
}
