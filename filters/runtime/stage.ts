import { ConfigReader } from './config-reader';
import { KmsConfig } from './config.gen';
import { Direction } from './direction';
import { Exchange } from './exchange';
import { Rank } from './rank.gen';

export { Rank };

/** What a stage decided. */
export const enum Verdict {
  /** Go on with the next stage. */
  Continue = 0,
  /**
   * Stop and answer with what `exchange.reply` holds. Under `observe`, an `observable` stage's rejection is counted and
   * passed over.
   */
  Reject = 1,
  /**
   * Nothing can be said yet (a key is being fetched). The stage has registered to be resumed; it is then called again
   * from the start.
   */
  Wait = 2,
}

/** A stage's compiled, immutable part of one route. */
export abstract class StagePolicy {
  /** Whether the stage does anything in this direction. */
  abstract acts(direction: Direction): bool;
  /** Whether it must see the whole body; if not, only `onHeaders` is called and nothing is held. */
  abstract needsBody(direction: Direction): bool;
  /** Whether a route in which another stage needs the body of this direction whole is refused (FIM-PBOC-0042). */
  mustStream(direction: Direction): bool {
    return false;
  }
  /** Whether `onBody` is called, with an empty message, also where a message has no body. Only if `needsBody`. */
  judgesEmpty(direction: Direction): bool {
    return false;
  }
  /** Whether it uses keys: a configuration without a KMS cannot have it. */
  needsKeys(): bool {
    return false;
  }
  /** Its place among the stages of this direction. */
  abstract rank(direction: Direction): Rank;
  /**
   * Whether it can work on the body as it passes, piece by piece, in constant memory. The runtime then calls
   * `onStreamHeaders` and `onChunk`, if no other stage of the direction needs the body; else, and for a message without
   * body, `onBody` all the same.
   */
  streams(direction: Direction): bool {
    return false;
  }
}

/**
 * One stage of a module. It has no state of a message: that lives in the `Exchange`. It may be called again after
 * `Wait`. Nothing in `onHeaders` or `onBody` may throw or allocate managed memory.
 */
export abstract class Stage {
  /**
   * `section`: name of its part of a route's `stages` (camel case). `observable`: whether `Observe` turns its
   * rejections into counts.
   */
  constructor(
    readonly section: string,
    readonly observable: bool,
  ) {}

  /**
   * Once per VM, in `proxy_on_vm_start`: defines metrics, runs known-answer tests, opens tables. False: the VM must not
   * serve.
   */
  start(): bool {
    return true;
  }

  /**
   * Compiles the stage's part of one route; on a mistake `reader.fail(code, node)` and any policy. Runs in
   * `onConfigure`.
   */
  abstract compile(reader: ConfigReader, node: u32): StagePolicy;

  /** Called once from a tick soon after a configuration was accepted: begin to fetch what its messages will need. */
  prepare(policy: StagePolicy, kms: KmsConfig, rootId: u32): void {}

  /** Called every tick of every root context whose configuration names a KMS. */
  tick(rootId: u32): void {}

  /** Headers are here, nothing has been sent on. Called if `policy.acts(direction)`. */
  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }

  /**
   * The body will pass in pieces; the headers are still held. What is decided here has sent nothing on: wait for keys
   * here, and call `exchange.willRewriteBody()` if the pieces will be changed. Called if `policy.streams(direction)`.
   */
  onStreamHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }

  /**
   * One piece of the body, of any length, also none; `endOfStream`: the last. Without `exchange.replaceChunk` it goes
   * on as it is. `Reject` cuts the stream: what passed before has passed. After `Wait` the same piece comes again, with
   * what has arrived meanwhile behind it. State between the pieces lives in `exchange.slot`.
   */
  onChunk(exchange: Exchange, policy: StagePolicy, pointer: usize, length: u32, endOfStream: bool): Verdict {
    return Verdict.Continue;
  }

  /**
   * The body cannot be read, and under `Observe` the request goes on all the same, its headers still held: what the
   * upstream is told is told here.
   */
  onUnread(exchange: Exchange, policy: StagePolicy): void {}

  /**
   * The whole body is in `exchange.message`. Called if `policy.needsBody(direction)` and the message has or may have a
   * body.
   */
  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }
}
