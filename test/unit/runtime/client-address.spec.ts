import { addressKey } from '../../../filters/runtime/client-address';

function keyOf(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  return addressKey(changetype<usize>(bytes), bytes.byteLength);
}

describe('addressKey', () => {
  it('is the whole of an IPv4 address, without its port', () => {
    expect<u64>(keyOf('192.0.2.7:40000')).toBe(0xffffffffc0000207);
    expect<u64>(keyOf('192.0.2.7:1')).toBe(0xffffffffc0000207);
    expect<u64>(keyOf('0.0.0.0:1')).toBe(0xffffffff00000000);
    expect<u64>(keyOf('255.255.255.255:65535')).toBe(0xffffffffffffffff);
  });

  it('is the first half of an IPv6 address, however it is shortened', () => {
    expect<u64>(keyOf('[2001:db8:1:2:3:4:5:6]:443')).toBe(0x20010db800010002);
    expect<u64>(keyOf('[2001:db8:1:2::]:443')).toBe(0x20010db800010002);
    expect<u64>(keyOf('[2001:db8::6]:443')).toBe(0x20010db800000000);
    expect<u64>(keyOf('[2001::2:3:4:5:6]:443')).toBe(0x2001000000000002);
    expect<u64>(keyOf('[::1:2:3:4:5:6]:443')).toBe(0x0000000000010002);
    expect<u64>(keyOf('[::2:3:4:5:6:7:8]:443')).toBe(0x0000000200030004);
    expect<u64>(keyOf('[fe80::1%eth0]:443')).toBe(0xfe80000000000000);
  });

  it('is one for all addresses that begin with zeros', () => {
    expect<u64>(keyOf('[::1]:443')).toBe(1);
    expect<u64>(keyOf('[::]:443')).toBe(1);
    expect<u64>(keyOf('[::ffff:192.0.2.7]:443')).toBe(1);
  });

  it('is nothing of what is no address', () => {
    expect<u64>(keyOf('')).toBe(0);
    expect<u64>(keyOf('/run/fim.sock')).toBe(0);
    expect<u64>(keyOf('@abstract')).toBe(0);
    expect<u64>(keyOf('192.0.2:80')).toBe(0);
    expect<u64>(keyOf('192.0.2.256:80')).toBe(0);
    expect<u64>(keyOf('192.0.2.1.1:80')).toBe(0);
    expect<u64>(keyOf('[12345::]:80')).toBe(0);
  });
});
