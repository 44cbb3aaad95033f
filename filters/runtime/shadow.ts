// Another policy that judges the messages of a route, too, without effect: both verdicts on one body, compared and counted.
import { ErrorId } from '../errors.gen';
import { MAX_SHADOW_NANOS } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { tooLong } from './admission';
import { Exchange } from './exchange';
import { monotonicNanos } from './host';
import { Reply } from './reply';
import { RouteTerms } from './route-terms';
import { Difference, ShadowCounters } from './shadow-counters';
import { shadowSamples } from './shadow-samples';
import { Stage, StagePolicy, Verdict } from './stage';
import { starvation } from './starvation';

const SECOND: u64 = 1_000_000_000;

/** Replies that nobody gets. */
const reply: Reply = new Reply();

/** The second for which time is counted, and what shadows have taken of it. */
let second: u64 = 0;
let takenNanos: u64 = 0;

/** The shadow of one route. Immutable. */
export class Shadow {
  private readonly counters: ShadowCounters;

  constructor(
    /** Identity of the policy. */
    private readonly release: Bytes,
    route: Bytes,
    /** How it reads bodies. */
    private readonly terms: RouteTerms,
    /** Whether that is how the route reads them. */
    private readonly sharesBody: bool,
    /** Null: it takes everything. */
    private readonly policy: StagePolicy | null,
  ) {
    this.counters = new ShadowCounters(route);
  }

  /**
   * Judges the message that `ruling`, of the same stage, has just judged with `verdict`. `atBody`: its body is there. The
   * exchange and its memory are afterwards as they were.
   */
  judge(exchange: Exchange, stage: Stage, ruling: StagePolicy, verdict: Verdict, atBody: bool): void {
    const began = monotonicNanos();
    if (began / SECOND != second) {
      second = began / SECOND;
      takenNanos = 0;
    }
    if (takenNanos > MAX_SHADOW_NANOS) return this.counters.skipped();
    const mark = scratch.mark;
    this.compare(exchange, stage, ruling, verdict == Verdict.Reject, atBody);
    scratch.unwind(mark);
    takenNanos += monotonicNanos() - began;
  }

  private compare(exchange: Exchange, stage: Stage, ruling: StagePolicy, refused: bool, atBody: bool): void {
    const own = this.policy;
    const error = own == null ? ErrorId.None : this.ask(exchange, stage, own, this.sharesBody, atBody);
    if (error == ErrorId.FIM_RT_0006) return this.counters.skipped();
    const real = exchange.reply;
    if (error == ErrorId.None) {
      if (!refused) return this.counters.same();
      // Its own words may name members of the message; asked again as a shadow, it hides them.
      // What only a code of a key could say is no difference: a shadow has none.
      if (this.ask(exchange, stage, ruling, true, atBody) == ErrorId.None) return this.counters.same();
      return this.note(Difference.Laxer, codeOf(reply), reply.firstPath, reply.firstPathLength);
    }
    if (!refused) return this.note(Difference.Stricter, codeOf(reply), reply.firstPath, reply.firstPathLength);
    if (codeOf(real) == codeOf(reply)) return this.counters.same();
    this.note(Difference.Other, codeOf(reply), reply.firstPath, reply.firstPathLength);
  }

  /** Error with which the policy refuses the message. `reply` then tells more. */
  private ask(exchange: Exchange, stage: Stage, policy: StagePolicy, sharesBody: bool, atBody: bool): ErrorId {
    const starved = starvation.begun;
    const reads = atBody && policy.needsBody(exchange.direction);
    exchange.enterShadow(this.terms, sharesBody, reply);
    reply.begin(ErrorId.None);
    if (reads && !sharesBody && exchange.message.length > this.terms.maxBodyBytes)
      reply.begin(tooLong(exchange.direction));
    else if (reads) stage.onBody(exchange, policy);
    else stage.onHeaders(exchange, policy);
    exchange.leaveShadow();
    if (!starvation.begun || starved) return reply.error;
    starvation.over();
    return ErrorId.FIM_RT_0006;
  }

  private note(difference: Difference, code: ErrorId, path: usize, length: u32): void {
    this.counters.differ(difference, code);
    shadowSamples.note(this.release, difference, code, path, length);
  }
}

/** The first thing that is wrong, else what is said of the whole. */
function codeOf(reply: Reply): ErrorId {
  return reply.firstError != ErrorId.None ? reply.firstError : reply.error;
}
