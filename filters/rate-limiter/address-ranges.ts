// Groups of addresses that were given a name: each is one key.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { ConfigReader } from '../runtime/config-reader';
import { addressGroup } from './address-group';
import { RateLimitGroupConfig } from './config.gen';

const IPV4_BITS: u32 = 32;
const IPV6_BITS: u32 = 64;
/** Number that `addressGroup` writes before the bits of a whole address: how many there are, of IPv6 with 64 more. */
const WHOLE_IPV4: u8 = 32;
const WHOLE_IPV6: u8 = 128;

class AddressRange {
  constructor(
    readonly whole: u8,
    readonly shift: u32,
    readonly bits: u64,
  ) {}
}

export class NamedAddresses {
  /** The key: a NUL, which no address and no text of a header begins with, and the name. */
  readonly key: Bytes;

  constructor(
    readonly name: Bytes,
    readonly ranges: StaticArray<AddressRange>,
  ) {
    this.key = Bytes.from('\0' + String.UTF8.decodeUnsafe(name.pointer, name.length));
  }

  /** `whole`, `bits`: an address as `addressGroup` writes it. */
  holds(whole: u8, bits: u64): bool {
    const ranges = this.ranges;
    for (let i = 0; i < ranges.length; i++) {
      const range = unchecked(ranges[i]);
      if (range.whole == whole && bits >> range.shift == range.bits) return true;
    }
    return false;
  }
}

/** On an error calls `reader.fail`. */
export function compileGroups(
  reader: ConfigReader,
  configs: StaticArray<RateLimitGroupConfig>,
): StaticArray<NamedAddresses> {
  const groups = new StaticArray<NamedAddresses>(configs.length);
  const group = scratch.allocate(16);
  for (let i = 0; i < configs.length && !reader.failed; i++) {
    const config = configs[i];
    const ranges = new StaticArray<AddressRange>(config.ranges.length);
    for (let j = 0; j < ranges.length; j++) {
      const range = config.ranges[j];
      const address = range.address;
      const written = group == 0 ? 0 : addressGroup(address.pointer, address.length, IPV4_BITS, IPV6_BITS, group);
      const isV6 = written != 0 && load<u8>(group) == WHOLE_IPV6;
      const width = isV6 ? IPV6_BITS : IPV4_BITS;
      if (written == 0) reader.failMember(ErrorId.FIM_CFG_0015, range.node, 'address');
      else if (<u32>range.prefix > width) reader.failMember(ErrorId.FIM_CFG_0013, range.node, 'prefix');
      const shift = width - min(<u32>range.prefix, width);
      ranges[j] = new AddressRange(
        isV6 ? WHOLE_IPV6 : WHOLE_IPV4,
        shift,
        group == 0 ? 0 : load<u64>(group, 1) >> shift,
      );
    }
    groups[i] = new NamedAddresses(config.name, ranges);
  }
  return groups;
}

/** The first group that has the address. Null: none has it, or it is no address. */
export function groupOf(groups: StaticArray<NamedAddresses>, address: usize, length: u32): NamedAddresses | null {
  const group = scratch.allocate(16);
  if (group == 0 || addressGroup(address, length, IPV4_BITS, IPV6_BITS, group) == 0) return null;
  const whole = load<u8>(group);
  const bits = load<u64>(group, 1);
  for (let i = 0; i < groups.length; i++) if (unchecked(groups[i]).holds(whole, bits)) return unchecked(groups[i]);
  return null;
}
