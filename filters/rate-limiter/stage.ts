import { Bytes } from '../memory/bytes';
import { FieldKind, FieldTree } from '../message/field-tree';
import { FieldList, isFieldPath } from '../message/field-list';
import { FieldMatches } from '../message/field-matches';
import { PathParser, StepKind } from '../message/field-path';
import { FieldSet } from '../message/field-set';
import { MessageFormat } from '../message/format';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { monotonicNanos } from '../runtime/host';
import { Direction, Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { BucketRate, Decision, TICKS_PER_NANO } from './bucket';
import { RateLimitKeyConfig, RateLimitKeySource, decodeRateLimiterConfig } from './config.gen';
import { defineLimitStats, limitAllowed, limitExceeded, limitFailed } from './stats';
import { openTable, takeToken } from './table';

const TICKS_PER_SECOND: u64 = 1_000_000_000 * TICKS_PER_NANO;

const decision: Decision = new Decision();
const text: Writer = new Writer(scratch);
const matches: FieldMatches = new FieldMatches();
const fields: FieldList = new FieldList();
const paths: PathParser = new PathParser();

class RateLimitPolicy extends StagePolicy {
  constructor(
    readonly id: Bytes,
    readonly rate: BucketRate,
    readonly source: RateLimitKeySource,
    readonly header: Bytes,
    /** The one field that is the key; null unless `source` is Field. */
    readonly field: FieldSet | null,
  ) {
    super();
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request;
  }

  needsBody(direction: Direction): bool {
    return direction == Direction.Request && this.field != null;
  }

  /** A request without body has no field: it shares the bucket of those. */
  judgesEmpty(direction: Direction): bool {
    return this.needsBody(direction);
  }

  rank(direction: Direction): Rank {
    return this.field == null ? Rank.Limit : Rank.LimitByField;
  }
}

/** Text of the value: a scalar has one. */
function keyText(tree: FieldTree, node: u32): usize {
  const kind = tree.kind(node);
  return kind == FieldKind.String || kind == FieldKind.Number ? tree.text(node, scratch) : 0;
}

/** The one place that a path without wildcards names; on a mistake `reader.fail`. */
function compileKeyField(reader: ConfigReader, key: RateLimitKeyConfig): FieldSet | null {
  const path = key.field;
  const steps = paths.parse(path);
  let plain = steps != null && isFieldPath(path, reader.format);
  if (steps != null) for (let i = 0; i < steps.length; i++) plain = plain && steps[i].kind != StepKind.Any;
  if (!plain) {
    reader.failMember(ErrorId.FIM_CFG_0020, key.node, 'field');
    return null;
  }
  fields.begin(reader.format);
  fields.addPath(path, false);
  const set = fields.build(reader.parts);
  if (set == null) reader.failMember(ErrorId.FIM_CFG_0021, key.node, 'field');
  return set;
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
    const field = source == RateLimitKeySource.Field ? compileKeyField(reader, key!) : null;
    return new RateLimitPolicy(config.id, new BucketRate(requests, <u64>config.periodMs, burst), source, header, field);
  }

  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const limit = <RateLimitPolicy>policy;
    if (limit.field != null) return Verdict.Continue;
    const found =
      limit.source == RateLimitKeySource.Header
        ? exchange.header(limit.header.pointer, limit.header.length)
        : limit.source == RateLimitKeySource.SourceAddress && exchange.sourceAddress();
    return this.limit(exchange, limit, found ? exchange.valuePointer : 0, found ? exchange.valueLength : 0);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const limit = <RateLimitPolicy>policy;
    const field = limit.field;
    const message = exchange.message;
    const format = message.length == 0 ? MessageFormat.Unknown : exchange.format;
    let tree: FieldTree | null = null;
    if (format != MessageFormat.Unknown) tree = message.tree(format);
    if (field == null || tree == null || !field.match(tree, matches, scratch)) return this.limit(exchange, limit, 0, 0);
    while (matches.next()) {
      if (matches.missing || matches.repeated) continue;
      const text = keyText(tree, matches.node);
      return this.limit(exchange, limit, text, text == 0 ? 0 : tree.textLength);
    }
    return this.limit(exchange, limit, 0, 0);
  }

  /** Takes a token of the bucket of a key; an empty one is that of all requests without a key. */
  private limit(exchange: Exchange, limit: RateLimitPolicy, key: usize, keyLength: u32): Verdict {
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
