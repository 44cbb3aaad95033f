import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { monotonicNanos } from '../runtime/host';
import { Direction, Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { BucketRate, Decision, TICKS_PER_NANO } from './bucket';
import { RateLimitKeySource, decodeRateLimiterConfig } from './config.gen';
import { defineLimitStats, limitAllowed, limitExceeded, limitFailed } from './stats';
import { openTable, takeToken } from './table';

const TICKS_PER_SECOND: u64 = 1_000_000_000 * TICKS_PER_NANO;

const decision: Decision = new Decision();
const text: Writer = new Writer(scratch);

class RateLimitPolicy extends StagePolicy {
  constructor(
    readonly id: Bytes,
    readonly rate: BucketRate,
    readonly source: RateLimitKeySource,
    readonly header: Bytes,
  ) {
    super();
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request;
  }

  needsBody(direction: Direction): bool {
    return false;
  }

  rank(direction: Direction): Rank {
    return Rank.Limit;
  }
}

/** Refuses requests that find no token in their bucket. Requests without the key share one bucket. */
export class RateLimiter extends Stage {
  constructor() {
    super('rateLimiter', true);
  }

  start(): bool {
    defineLimitStats();
    return openTable();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const config = decodeRateLimiterConfig(reader, node);
    const requests = <u64>max(config.requests, 1);
    const burst = config.burst == 0 ? requests : <u64>config.burst;
    const key = config.key;
    const source = key == null ? RateLimitKeySource.None : key.source;
    const header = key == null ? Bytes.EMPTY : key.header;
    if (source == RateLimitKeySource.Header && header.length == 0) reader.missing(key == null ? node : key.node, 'header');
    return new RateLimitPolicy(config.id, new BucketRate(requests, <u64>config.periodMs, burst), source, header);
  }

  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const limit = <RateLimitPolicy>policy;
    let key: usize = 0;
    let keyLength: u32 = 0;
    const found =
      limit.source == RateLimitKeySource.Header
        ? exchange.header(limit.header.pointer, limit.header.length)
        : limit.source == RateLimitKeySource.SourceAddress && exchange.sourceAddress();
    if (found) {
      key = exchange.valuePointer;
      keyLength = exchange.valueLength;
    }
    const now = monotonicNanos() * TICKS_PER_NANO;
    if (!takeToken(limit.rate, limit.id.pointer, limit.id.length, key, keyLength, now, decision)) {
      limitFailed.add(1);
      exchange.reply.begin(ErrorId.FIM_LIM_0002);
      return Verdict.Reject;
    }
    if (decision.allowed) {
      limitAllowed.add(1);
      return Verdict.Continue;
    }
    limitExceeded.add(1);
    this.reject(exchange, limit.rate);
    return Verdict.Reject;
  }

  /** `retry-after` (RFC 9110, 10.2.3) and the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. */
  private reject(exchange: Exchange, rate: BucketRate): void {
    const reply = exchange.reply;
    reply.begin(ErrorId.FIM_LIM_0001);
    const seconds = (decision.waits + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND;
    text.begin(96);
    text.decimal(seconds);
    reply.addHeader('retry-after', text.pointer, text.length);
    text.begin(96);
    text.ascii('"default";r=');
    text.decimal(decision.remaining);
    text.ascii(';t=');
    text.decimal(seconds);
    reply.addHeader('ratelimit', text.pointer, text.length);
    text.begin(96);
    text.ascii('"default";q=');
    text.decimal(rate.requests);
    text.ascii(';w=');
    text.decimal(max((rate.periodMs + 999) / 1000, 1));
    reply.addHeader('ratelimit-policy', text.pointer, text.length);
  }
}
