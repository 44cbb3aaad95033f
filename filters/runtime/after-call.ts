// Work on other streams that a callback of one stream brings about. It waits until the callback has its answer, since there
// is one exchange for all streams.

/** Nothing here may throw or allocate. */
export abstract class AfterCall {
  abstract run(): void;
}

let wanted: AfterCall | null = null;

/** `work` runs once when the host's call at hand is answered. One kind of work at a time uses this. */
export function afterCall(work: AfterCall): void {
  wanted = work;
}

/** At the end of each call of the host that concerns a stream. */
// @ts-ignore: decorator
@inline
export function runAfterCall(): void {
  if (wanted != null) runWanted();
}

function runWanted(): void {
  for (let work = wanted; work != null; work = wanted) {
    wanted = null;
    work.run();
  }
}
