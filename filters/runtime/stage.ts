import { ConfigReader } from './config-reader';
import { KmsConfig } from './config.gen';
import { Direction } from './direction';
import { Exchange } from './exchange';
import { Rank } from './rank.gen';
import { Service } from './service';
import { StreamNote } from './stream-note';
import { TimeBudgets } from './time-budgets';

export { Rank };

/** Decision of a stage. */
export const enum Verdict {
  /** Continue with the next stage. */
  Continue = 0,
  /**
   * Stop and send the reply in `exchange.reply`. Under `Observe`, an `observable` stage's rejection is counted and
   * ignored.
   */
  Reject = 1,
  /**
   * Nothing can be said yet (a key is being fetched). The service that was asked has put its name into
   * `exchange.resumer` and resumes the message; the stage is then called again from the start.
   */
  Wait = 2,
}

/** A stage's compiled, immutable part of one route. */
export abstract class StagePolicy {
  /** Whether the stage acts in this direction. */
  abstract acts(direction: Direction): bool;
  /** Whether it must see the whole body. If not, only `onHeaders` is called and nothing is buffered. */
  abstract needsBody(direction: Direction): bool;
  /** Whether a route is refused in which another stage needs the whole body of this direction (FIM-PBOC-0042). */
  mustStream(direction: Direction): bool {
    return false;
  }
  /** Whether `onBody` is called, with an empty message, also for a message without body. Only if `needsBody`. */
  judgesEmpty(direction: Direction): bool {
    return false;
  }
  /** Kinds of messages that pass it unread although it needs bodies, as bits of `Unread`. Its `onHeaders` is called. */
  unread(direction: Direction): u32 {
    return 0;
  }
  /** Whether `onSend` is called. */
  sends(): bool {
    return false;
  }
  /** Times that it gives the stages of the route; null: none. One stage of a route at most gives some. */
  budgets(): TimeBudgets | null {
    return null;
  }
  /** Whether it uses keys. A configuration without a KMS must not contain it. */
  needsKeys(): bool {
    return false;
  }
  /**
   * Whether the stage keeps a note of each stream (`openNote`). It then judges no message, and `Observe` does not
   * concern it. A route has one such stage at most.
   */
  records(): bool {
    return false;
  }
  /** A part of it with a place of its own among the stages, made with it. Null: none. */
  companion(): StagePolicy | null {
    return null;
  }
  /** Its rank among the stages of this direction. */
  abstract rank(direction: Direction): Rank;
  /**
   * Whether it can stream the body in constant memory. The runtime then calls `onStreamHeaders` and `onChunk` if no
   * other stage of the direction needs the body. Otherwise, and for a message without body, it calls `onBody`.
   */
  streams(direction: Direction): bool {
    return false;
  }
  /** Whether it also streams server-sent events, whatever the route's format is. Only if `streams`. */
  passesEvents(direction: Direction): bool {
    return false;
  }
}

/**
 * One stage of a module. It has no state of a message, which is in the `Exchange`. It may be called again after `Wait`.
 * Nothing in `onHeaders` or `onBody` may throw or allocate managed memory.
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
   * Compiles the stage's part of one route. On an error it calls `reader.fail(code, node)` and returns any policy. Runs
   * in `onConfigure`.
   */
  abstract compile(reader: ConfigReader, node: u32): StagePolicy;

  /**
   * Whether it can judge without effect: while `exchange.shadows`, its `onHeaders` and `onBody` count nothing, ask nobody
   * and leave nothing behind but the verdict and its reply.
   */
  get judgesOnly(): bool {
    return false;
  }

  /** The services that it uses. */
  services(): Service[] {
    return [];
  }

  /**
   * Called once from a tick soon after a configuration was accepted: begin to fetch what its messages will need. `kms`:
   * null if the configuration names none.
   */
  prepare(policy: StagePolicy, kms: KmsConfig | null, rootId: u32): void {}

  /**
   * A request has found its route: what is kept of the stream until its end. Called if `policy.records()`, before any
   * other stage. `generation`: of the configuration.
   */
  openNote(exchange: Exchange, policy: StagePolicy, generation: i64): StreamNote | null {
    return null;
  }

  /** Headers have arrived and nothing has been sent on. Called if `policy.acts(direction)`. */
  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }

  /**
   * The body will be streamed, and the headers are still held. Nothing has been sent on yet: wait for keys here, and
   * call `exchange.willRewriteBody()` if the pieces will change. Called if `policy.streams(direction)`.
   */
  onStreamHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }

  /**
   * One piece of the body, of any length, even empty. `endOfStream`: the last one. Without `exchange.replaceChunk` it
   * passes unchanged. `Reject` cuts the stream, and earlier pieces have passed. After `Wait` the same piece comes
   * again, followed by data that has arrived meanwhile. State between pieces is in `exchange.slot`.
   */
  onChunk(exchange: Exchange, policy: StagePolicy, pointer: usize, length: u32, endOfStream: bool): Verdict {
    return Verdict.Continue;
  }

  /**
   * All stages are through with the request, and its headers are still held: the last word before it is sent. Called
   * if `policy.sends()`, and again after `Wait`.
   */
  onSend(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }

  /**
   * The body cannot be read, and under `Observe` the request passes anyway, with its headers still held. Tell the
   * upstream here.
   */
  onUnread(exchange: Exchange, policy: StagePolicy): void {}

  /** Its rejection is observed: it was counted, and the message goes on. What the peer is told of it is told here. */
  onObserved(exchange: Exchange, policy: StagePolicy): void {}

  /**
   * The whole body is in `exchange.message`. Called if `policy.needsBody(direction)` and the message has or may have a
   * body.
   */
  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    return Verdict.Continue;
  }
}
