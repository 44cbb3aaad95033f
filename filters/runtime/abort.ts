/**
 * Called by the compiler's runtime when a language check fails (an index out of range, an unexpected null). No path
 * reachable from a message leads here. If one did, the VM would stop and Envoy answer by the plugin's failure policy:
 * closed.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}
