/**
 * Called by the compiler's runtime where a language check fails (an index out of range, a null that must not be). No
 * path reachable from a message leads here; if one did, the VM stops and Envoy answers by the plugin's failure policy:
 * closed.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}
