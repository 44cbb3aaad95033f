import { addressGroup } from '../../../filters/rate-limiter/address-group';
import { Bytes } from '../../../filters/memory/bytes';
import { scratch } from '../../../filters/memory/scratch';

function groupOf(text: string): string {
  scratch.reset();
  const address = Bytes.from(text);
  const group = scratch.allocate(16);
  const length = addressGroup(address.pointer, address.length, 32, 64, group);
  return length == 0 ? 'none' : load<u8>(group).toString() + '/' + load<u64>(group, 1).toString(16);
}

describe('the group of a client address', () => {
  it('is the same with a port, in brackets, in either case and as an IPv4 address in IPv6', () => {
    const v4 = groupOf('192.0.2.1');
    expect(v4).toBe('32/c0000201');
    expect(groupOf('192.0.2.1:50001')).toBe(v4);
    expect(groupOf('::ffff:192.0.2.1')).toBe(v4);
    expect(groupOf('[::ffff:192.0.2.1]:50001')).toBe(v4);
    const v6 = groupOf('2001:db8:0:1::7');
    expect(v6).toBe('128/20010db800000001');
    expect(groupOf('[2001:db8:0:1::7]')).toBe(v6);
    expect(groupOf('[2001:DB8:0:1::7]:50001')).toBe(v6);
    expect(groupOf('[2001:db8:0:1::7')).toBe(v6);
  });

  it('is none of what is no address', () => {
    expect(groupOf('')).toBe('none');
    expect(groupOf('unknown')).toBe('none');
    expect(groupOf('192.0.2')).toBe('none');
    expect(groupOf('192.0.2:80')).toBe('none');
  });
});
