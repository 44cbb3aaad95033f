// Number of tokens that a request takes.
import { Ascii } from '../memory/ascii';
import { FieldTree } from '../message/field-tree';
import { FieldSet } from '../message/field-set';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { ConfigReader } from '../runtime/config-reader';
import { Exchange } from '../runtime/exchange';
import { RateLimitBandConfig, RateLimitCostConfig, RateLimitCostSource } from './config.gen';
import { compileField, findField } from '../runtime/field-value';
import { canonicalKey, canonicalLength } from './key-text';

/** Digits of a number that is told apart from a malformed one. */
const MAX_DIGITS: u32 = 18;

export class Cost {
  private readonly source: RateLimitCostSource;
  private readonly header: Bytes;
  private readonly unitBytes: u32;
  private readonly bands: StaticArray<RateLimitBandConfig>;
  private readonly max: u64;

  constructor(
    config: RateLimitCostConfig,
    private readonly field: FieldSet | null,
  ) {
    this.source = config.source;
    this.header = config.header;
    this.unitBytes = <u32>config.unitBytes;
    this.bands = config.bands;
    this.max = <u64>config.max;
  }

  get readsBody(): bool {
    return this.source == RateLimitCostSource.Field || this.source == RateLimitCostSource.BodyBytes;
  }

  /** It is known with the answer. The request itself takes one token. */
  get inAnswer(): bool {
    return this.source == RateLimitCostSource.ResponseHeader;
  }

  /** Tokens of the current message. `tree`: its body, or null where there is none or it is not read. */
  of(exchange: Exchange, tree: FieldTree | null): u64 {
    if (this.source == RateLimitCostSource.BodyBytes)
      return min((<u64>exchange.message.length + this.unitBytes - 1) / this.unitBytes, this.max);
    if (this.source == RateLimitCostSource.Field) return min(this.ofField(tree), this.max);
    const header = this.header;
    if (exchange.hasTwice(header.pointer, header.length)) return this.max; // which of them is the number?
    if (!exchange.header(header.pointer, header.length)) return 1;
    return min(numberOf(exchange.valuePointer, exchange.valueLength, this.max), this.max);
  }

  private ofField(tree: FieldTree | null): u64 {
    const field = this.field;
    const node = field == null ? 0 : findField(tree, field);
    if (node == 0 || tree == null) return 1;
    const text = tree.text(node, scratch);
    if (text == 0) return this.max;
    const value = amountOf(text, tree.textLength);
    if (value == u64.MAX_VALUE) return this.max;
    let cost: u64 = 1;
    const bands = this.bands;
    for (let i = 0; i < bands.length; i++)
      if (value >= <u64>unchecked(bands[i]).from) cost = <u64>unchecked(bands[i]).cost;
    return cost;
  }
}

/** On an error calls `reader.fail`. */
export function compileCost(reader: ConfigReader, config: RateLimitCostConfig): Cost {
  const source = config.source;
  const byHeader = source == RateLimitCostSource.Header || source == RateLimitCostSource.ResponseHeader;
  if (byHeader && config.header.length == 0) reader.missing(config.node, 'header');
  const field = source == RateLimitCostSource.Field ? compileField(reader, config.node, config.field) : null;
  return new Cost(config, field);
}

/** A whole number without sign. `malformed` for everything else. */
function numberOf(text: usize, length: u32, malformed: u64): u64 {
  if (length == 0 || length > MAX_DIGITS) return malformed;
  let value: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return malformed;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * The whole part of a decimal amount, whatever its spelling. The greatest number for what is none, is negative or has
 * too many digits: such a value costs the most. A canonical number is digits, `e` and an exponent of ten.
 */
function amountOf(text: usize, length: u32): u64 {
  const key = canonicalKey(text, length, false, scratch);
  const end = key + canonicalLength();
  if (key == 0) return u64.MAX_VALUE;
  let value: u64 = 0;
  let digits: u32 = 0;
  let at = key;
  for (; at < end && <u8>(load<u8>(at) - 48) < 10; at++) {
    if (++digits > MAX_DIGITS) return u64.MAX_VALUE;
    value = value * 10 + (load<u8>(at) - 48);
  }
  if (digits == 0 || at == end) return digits == 0 ? u64.MAX_VALUE : value;
  if (load<u8>(at++) != Ascii.LowerE) return u64.MAX_VALUE;
  const down = at < end && load<u8>(at) == Ascii.Minus;
  if (down) at++;
  let exponent: u32 = 0;
  for (; at < end && exponent < 1000; at++) exponent = exponent * 10 + (load<u8>(at) - 48);
  for (; exponent > 0; exponent--) {
    if (!down && ++digits > MAX_DIGITS) return value == 0 ? 0 : u64.MAX_VALUE;
    value = down ? value / 10 : value * 10;
    if (value == 0) return 0;
  }
  return value;
}
