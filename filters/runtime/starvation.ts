// Whether the host requested memory in vain during the current call. A value that a stage looked for then seems absent,
// and no verdict is valid.

class Starvation {
  /** Whether it happened since the call began. */
  begun: bool = false;

  begin(): void {
    this.begun = true;
  }

  /** Resets at the start of a call, or after its message was refused. */
  over(): void {
    this.begun = false;
  }
}

/** One for the VM, because callbacks never nest. */
export const starvation: Starvation = new Starvation();
