// The compiler's `minimal` runtime collects only on request, and only while no managed object is on the stack: at the
// end of a host call. Messages create no garbage, so nothing is collected for them.

let requested: bool = false;

/** Requests a collection at the end of this host call, after managed objects were created or dropped. */
export function requestCollection(): void {
  requested = true;
}

/** Whether a collection was requested since the last call. */
export function takeCollectionRequest(): bool {
  const due = requested;
  requested = false;
  return due;
}
