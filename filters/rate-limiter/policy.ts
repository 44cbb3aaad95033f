import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { sipText } from '../memory/siphash';
import { ConfigReader } from '../runtime/config-reader';
import { Direction } from '../runtime/direction';
import { Rank, StagePolicy } from '../runtime/stage';
import { addressGroup } from './address-group';
import {
  RateLimitAlgorithm,
  RateLimitHeaders,
  RateLimitKeySource,
  RateLimitOverflow,
  RateLimitOverrideConfig,
  RateLimitRuleConfig,
  RateLimiterConfig,
} from './config.gen';
import { compileCost } from './cost';
import { KeyPart, compileKeyPart } from './key-part';
import { canonicalKey, canonicalLength } from './key-text';
import { FleetSlot } from './fleet-slot';
import { Limit, NO_SHAPE, Override, Shape, Terms } from './limit';
import { beginHash, endHash } from './seed';

/** Name of the limit without a name, in headers and counters. */
const UNNAMED: Bytes = Bytes.from('default');

export class RateLimitPolicy extends StagePolicy {
  /** Number of limits, the first ones, that are decided with the headers; the others need the body. */
  readonly early: i32;
  /** Whether what a request took is kept until its stream ends. */
  readonly keeps: bool;
  /** Whether requests may wait. */
  readonly shapes: bool;
  private readonly actsOnAnswers: bool;

  constructor(
    readonly limits: StaticArray<Limit>,
    /** Whether responses tell how much is left. */
    readonly tells: bool,
    readonly legacy: bool,
    /** HTTP status of refusals. */
    readonly status: u32,
  ) {
    super();
    let early = 0;
    let holds = false;
    let shapes = false;
    let answers = tells;
    for (let i = 0; i < limits.length; i++) {
      const limit = limits[i];
      if (!limit.readsBody) early++;
      holds = holds || limit.holds;
      shapes = shapes || limit.shapes;
      answers = answers || limit.refund || limit.chargesAnswer || limit.fleet != null;
    }
    for (let i = 0; i < limits.length; i++) limits[i].ahead = !tells && limits[i].leases;
    this.early = early;
    this.keeps = tells || holds || (early != 0 && early != limits.length);
    this.shapes = shapes;
    this.actsOnAnswers = answers;
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request || this.actsOnAnswers;
  }

  needsBody(direction: Direction): bool {
    return direction == Direction.Request && this.early != this.limits.length;
  }

  /** A request without body has no field. Such requests share a bucket. */
  judgesEmpty(direction: Direction): bool {
    return this.needsBody(direction);
  }

  rank(direction: Direction): Rank {
    return this.needsBody(direction) ? Rank.LimitByField : Rank.Limit;
  }
}

/** On an error calls `reader.fail` and returns any policy. */
export function compilePolicy(reader: ConfigReader, config: RateLimiterConfig): RateLimitPolicy {
  const limits = new Array<Limit>();
  if (config.requests != 0) limits.push(unnamedLimit(reader, config));
  else if (config.limits.length == 0) reader.missing(config.node, 'requests');
  if (config.requests != 0 && config.periodMs == 0) reader.missing(config.node, 'periodMs');
  const rules = config.limits;
  const known = new Array<Limit>();
  for (let i = 0; i < rules.length && !reader.failed; i++) {
    const rule = rules[i];
    if (rule.parent > i) reader.failMember(ErrorId.FIM_CFG_0013, rule.node, 'parent');
    else known.push(namedLimit(reader, rule, rule.parent == 0 ? null : known[rule.parent - 1]));
  }
  return new RateLimitPolicy(
    inOrder(limits.concat(known)),
    config.headers == RateLimitHeaders.Always,
    config.legacyHeaders,
    <u32>config.status,
  );
}

/** Limits that need the body come last. */
function inOrder(limits: Array<Limit>): StaticArray<Limit> {
  const ordered = new Array<Limit>();
  for (let i = 0; i < limits.length; i++) if (!limits[i].readsBody) ordered.push(limits[i]);
  for (let i = 0; i < limits.length; i++) if (limits[i].readsBody) ordered.push(limits[i]);
  return StaticArray.fromArray(ordered);
}

function unnamedLimit(reader: ConfigReader, config: RateLimiterConfig): Limit {
  const requests = <u64>config.requests;
  const key = config.key;
  const parts = new StaticArray<KeyPart>(key == null || key.source == RateLimitKeySource.None ? 0 : 1);
  if (key != null && parts.length != 0) parts[0] = compileKeyPart(reader, key);
  const terms = new Terms(requests, <u64>config.periodMs, config.burst == 0 ? requests : <u64>config.burst);
  return new Limit(UNNAMED, config.id, RateLimitAlgorithm.TokenBucket, terms, parts);
}

function namedLimit(reader: ConfigReader, rule: RateLimitRuleConfig, parent: Limit | null): Limit {
  const requests = <u64>rule.requests;
  const shape = shapeOf(rule);
  const fleet = rule.fleet;
  const shared = fleet == null ? Bytes.EMPTY : fleet.terms;
  const burst = rule.burst == 0 ? requests : <u64>rule.burst;
  const terms = new Terms(requests, <u64>rule.periodMs, burst, shape, shared);
  const limit = new Limit(rule.name, rule.id, rule.algorithm, terms, partsOf(reader, rule, parent));
  limit.shape = shape;
  const overrides = new StaticArray<Override>(rule.overrides.length);
  for (let i = 0; i < overrides.length; i++) overrides[i] = overrideOf(reader, limit, rule.overrides[i]);
  limit.overrides = overrides;
  const cost = rule.cost;
  if (cost != null) limit.cost = compileCost(reader, cost);
  limit.observe = rule.observe;
  limit.refund = rule.refund;
  if (fleet != null) limit.fleet = new FleetSlot(fleet);
  return limit;
}

/** Only what has a rate knows when a token will be there. */
function shapeOf(rule: RateLimitRuleConfig): Shape {
  const shape = rule.shape;
  if (shape == null || rule.algorithm != RateLimitAlgorithm.TokenBucket) return NO_SHAPE;
  return new Shape(<u64>shape.maxWaitMs, <u64>shape.queue, shape.overflow == RateLimitOverflow.Drop);
}

/** Terms of a named key, under the hash that requests with its values have. */
function overrideOf(reader: ConfigReader, limit: Limit, config: RateLimitOverrideConfig): Override {
  const requests = <u64>config.requests;
  const fleet = config.terms.length == 0 ? limit.terms.fleet : config.terms;
  const burst = config.burst == 0 ? requests : <u64>config.burst;
  const terms = new Terms(requests, limit.terms.periodMs, burst, limit.shape, fleet);
  const values = config.key;
  const parts = limit.parts;
  if (values.length != parts.length) {
    reader.failMember(ErrorId.FIM_CFG_0014, config.node, 'key');
    return new Override(0, terms);
  }
  beginHash(limit.id);
  for (let i = 0; i < values.length; i++) addValue(parts[i], values[i]);
  return new Override(endHash(limit.tag), terms);
}

function partsOf(reader: ConfigReader, rule: RateLimitRuleConfig, parent: Limit | null): StaticArray<KeyPart> {
  const before = parent == null ? 0 : parent.parts.length;
  const parts = new StaticArray<KeyPart>(before + rule.key.length);
  for (let i = 0; i < before; i++) parts[i] = parent!.parts[i];
  for (let i = 0; i < rule.key.length; i++) parts[before + i] = compileKeyPart(reader, rule.key[i]);
  return parts;
}

/** Adds a value to a hash in the form in which requests have it. */
function addValue(part: KeyPart, value: Bytes): void {
  let pointer = value.pointer;
  let length = value.length;
  if (part.source == RateLimitKeySource.Field) {
    pointer = canonicalKey(value.pointer, value.length, false, scratch);
    length = canonicalLength();
  } else if (part.source == RateLimitKeySource.ClientAddress) {
    const groups = part.groups;
    for (let i = 0; i < groups.length; i++) {
      const key = groups[i].key;
      if (!groups[i].name.equals(pointer, length)) continue;
      sipText(key.pointer, key.length);
      return;
    }
    const group = scratch.allocate(16);
    const bytes = group == 0 ? 0 : addressGroup(pointer, length, part.ipv4Prefix, part.ipv6Prefix, group);
    if (bytes != 0) {
      pointer = group;
      length = bytes;
    }
  }
  sipText(pointer, pointer == 0 ? 0 : length);
}
