/** Resumes a message that waits. */
export class Resumer {
  /** `name`: one word, for people who look for what a message waits for. */
  constructor(readonly name: string) {}
}

/**
 * A thing that several stages share and that lives longer than a message. A module has it if one of its stages uses it.
 * It works with or without a KMS, and knows no exchange: its call-outs and those that wait for it are its own.
 */
export abstract class Service {
  /** Once per VM, before the stages' own start: defines metrics, opens tables. False: the VM must not serve. */
  start(): bool {
    return true;
  }

  /** Once per root context, in a tick soon after its configuration was accepted. */
  prepare(rootId: u32): void {}

  /**
   * Every tick of every root context in force: refreshes what ages, gives up waits that took too long. Ticks come each
   * 100 ms where the configuration names a KMS, else each second.
   */
  tick(rootId: u32): void {}

  /**
   * Time that was asked for by `wakeAt` may have come: does what is due by `nowNanos` (monotonic), and returns when the
   * next is due; 0: nothing is.
   */
  wake(nowNanos: u64): u64 {
    return 0;
  }

  /** The root context is gone: nothing may be sent under it any more. `last`: the VM has none left, and goes. */
  forget(rootId: u32, last: bool): void {}
}
