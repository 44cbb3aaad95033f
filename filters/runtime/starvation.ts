// Whether the host asked for memory in vain during the call at hand: then a value that a stage looked for seems absent,
// and no verdict holds.

class Starvation {
  /** Since the call began. */
  begun: bool = false;

  begin(): void {
    this.begun = true;
  }

  /** A call begins, or its message has been refused. */
  over(): void {
    this.begun = false;
  }
}

/** One for the VM: callbacks never nest. */
export const starvation: Starvation = new Starvation();
