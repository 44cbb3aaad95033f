// The compiler's `minimal` runtime collects only when told, and only where no managed object is on the stack: at the
// end of a host call. The path of a message makes no garbage, so nothing is collected there.

let requested: bool = false;

/** What was made or dropped just now is worth a collection at the end of this host call. */
export function requestCollection(): void {
  requested = true;
}

/** Whether a collection was asked for since the last call. */
export function takeCollectionRequest(): bool {
  const due = requested;
  requested = false;
  return due;
}
