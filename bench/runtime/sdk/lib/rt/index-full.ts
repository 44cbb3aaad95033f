// AssemblyScript <= 0.17 exported these from here; the SDK wants them.
export function __retain(pointer: usize): usize {
  return __pin(pointer);
}
export function __release(pointer: usize): void {
  __unpin(pointer);
}
