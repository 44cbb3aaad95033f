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
import { readClientFingerprint } from '../runtime/client-certificate';
import { monotonicNanos, resultLength, resultPointer } from '../runtime/host';
import { Direction } from '../runtime/direction';
import { Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { BucketRate, Decision, TICKS_PER_NANO } from './bucket';
import { RateLimitHeaders, RateLimitKeyConfig, RateLimitKeySource, decodeRateLimiterConfig } from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { canonicalKey, canonicalLength } from './key-text';
import { defineLimitStats, limitAllowed, limitExceeded, limitFailed } from './stats';
import { openTable, takeToken } from './table';

const TICKS_PER_SECOND: u64 = 1_000_000_000 * TICKS_PER_NANO;
const RATELIMIT: Bytes = Bytes.from('ratelimit');
const RATELIMIT_POLICY: Bytes = Bytes.from('ratelimit-policy');

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
    /** Field that supplies the key. Null unless `source` is Field. */
    readonly field: FieldSet | null,
    /** Whether responses tell how much is left. */
    readonly tells: bool,
  ) {
    super();
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request || this.tells;
  }

  needsBody(direction: Direction): bool {
    return direction == Direction.Request && this.field != null;
  }

  /** A request without body has no field. Such requests share a bucket. */
  judgesEmpty(direction: Direction): bool {
    return this.needsBody(direction);
  }

  rank(direction: Direction): Rank {
    return this.field == null || direction == Direction.Response ? Rank.Limit : Rank.LimitByField;
  }
}

function secondsOf(ticks: u64): u64 {
  return (ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND;
}

/** Writes the state: `remaining` tokens are left, and one more is available in `seconds`. */
function writeState(remaining: u64, seconds: u64): void {
  text.begin(96);
  text.ascii('"default";r=');
  text.decimal(remaining);
  text.ascii(';t=');
  text.decimal(seconds);
}

function writePolicy(rate: BucketRate): void {
  text.begin(96);
  text.ascii('"default";q=');
  text.decimal(rate.requests);
  text.ascii(';w=');
  text.decimal(max((rate.periodMs + 999) / 1000, 1));
}

/** Canonical text of the value, `canonicalLength()` bytes. 0: it is no scalar, or memory is short. */
function keyText(tree: FieldTree, node: u32): usize {
  const kind = tree.kind(node);
  if (kind != FieldKind.String && kind != FieldKind.Number) return 0;
  const text = tree.text(node, scratch);
  return text == 0 ? 0 : canonicalKey(text, tree.textLength, kind == FieldKind.Number, scratch);
}

/** Place named by a path without wildcards. On an error calls `reader.fail`. */
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

/** Refuses requests whose bucket has no token. Requests without the key share one bucket. */
export class RateLimiter extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
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
    if (source == RateLimitKeySource.Header && header.length == 0)
      reader.missing(key == null ? node : key.node, 'header');
    const field = source == RateLimitKeySource.Field ? compileKeyField(reader, key!) : null;
    return new RateLimitPolicy(
      config.id,
      new BucketRate(requests, <u64>config.periodMs, burst),
      source,
      header,
      field,
      config.headers == RateLimitHeaders.Always,
    );
  }

  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const limit = <RateLimitPolicy>policy;
    if (exchange.direction == Direction.Response) {
      this.tell(exchange, limit.rate);
      return Verdict.Continue;
    }
    if (limit.field != null) return Verdict.Continue;
    if (limit.source == RateLimitKeySource.ClientCertificate) {
      if (!readClientFingerprint()) return this.limit(exchange, limit, 0, 0);
      return this.limit(exchange, limit, resultPointer(), resultLength());
    }
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
      return this.limit(exchange, limit, text, text == 0 ? 0 : canonicalLength());
    }
    return this.limit(exchange, limit, 0, 0);
  }

  /** Takes a token of a key's bucket. The empty key is for all requests without a key. */
  private limit(exchange: Exchange, limit: RateLimitPolicy, key: usize, keyLength: u32): Verdict {
    const now = monotonicNanos() * TICKS_PER_NANO;
    if (!takeToken(limit.rate, limit.id.pointer, limit.id.length, key, keyLength, now, decision)) {
      limitFailed.add(1);
      exchange.reply.begin(ErrorId.FIM_LIM_0002);
      return Verdict.Reject;
    }
    if (limit.tells) exchange.memo = (min(decision.remaining, u32.MAX_VALUE) << 32) | secondsOf(decision.returns);
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
    const seconds = secondsOf(decision.waits);
    text.begin(96);
    text.decimal(seconds);
    reply.addHeader('retry-after', text.pointer, text.length);
    writeState(decision.remaining, seconds);
    reply.addHeader('ratelimit', text.pointer, text.length);
    writePolicy(rate);
    reply.addHeader('ratelimit-policy', text.pointer, text.length);
  }

  /** Adds the request's remaining limit to its response. Replaces the upstream's headers about limits of its own. */
  private tell(exchange: Exchange, rate: BucketRate): void {
    const memo = exchange.memo;
    if (memo == 0) return; // the table was unreadable, and `Observe` let the request pass
    writeState(memo >> 32, memo & u32.MAX_VALUE);
    if (!text.overflowed) exchange.setHeader(RATELIMIT.pointer, RATELIMIT.length, text.pointer, text.length);
    writePolicy(rate);
    if (!text.overflowed)
      exchange.setHeader(RATELIMIT_POLICY.pointer, RATELIMIT_POLICY.length, text.pointer, text.length);
  }
}
