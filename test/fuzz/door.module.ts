// The door of the test modules: where Node puts what a module is to read. Not part of any filter.

/** Address of the bytes that Node has put there. */
export let input: usize = 0;
let capacity: u32 = 0;

/** Room for `bytes` bytes. */
export function room(bytes: u32): usize {
  if (bytes > capacity) {
    if (input != 0) heap.free(input);
    input = heap.alloc(bytes);
    capacity = bytes;
  }
  return input;
}
