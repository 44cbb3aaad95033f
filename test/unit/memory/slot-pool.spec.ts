import { SlotPool } from '../../../filters/memory/slot-pool';

function isZero(pointer: usize, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) if (load<u8>(pointer + i) != 0) return false;
  return true;
}

describe('SlotPool', () => {
  it('gives zero bytes of every size up to 256 KiB, and none beyond', () => {
    const pool = new SlotPool(1024 * 1024);
    for (let bytes: u32 = 1; bytes <= 256 * 1024; bytes = bytes * 3 + 1) {
      const slot = pool.take(bytes);
      expect(slot != 0).toBe(true);
      expect(isZero(slot, bytes)).toBe(true);
      memory.fill(slot, 0xff, bytes);
      pool.give(slot, bytes);
    }
    expect(pool.take(256 * 1024) != 0).toBe(true);
    expect<usize>(pool.take(256 * 1024 + 1)).toBe(0);
  });

  it('uses a block again, wiped', () => {
    const pool = new SlotPool(4096);
    const first = pool.take(200);
    memory.fill(first, 0xab, 200);
    pool.give(first, 200);
    expect(isZero(first + sizeof<usize>(), 200 - <u32>sizeof<usize>())).toBe(
      true,
      'overwritten at once, but for the link of the list',
    );
    const second = pool.take(256);
    expect<usize>(second).toBe(first);
    expect(isZero(second, 256)).toBe(true);
    expect<usize>(pool.held).toBe(256);
  });

  it('answers 0 at its cap, and has room again when something comes back', () => {
    const pool = new SlotPool(256);
    const slots = new StaticArray<usize>(4);
    for (let i = 0; i < 4; i++) slots[i] = pool.take(64);
    expect<usize>(pool.take(1)).toBe(0);
    expect<usize>(pool.used).toBe(256);
    pool.give(slots[2], 64);
    expect<usize>(pool.take(10)).toBe(slots[2]);
    expect<usize>(pool.take(10)).toBe(0);
  });

  it('has room for any size again when all has come back, whatever the sizes were', () => {
    const pool = new SlotPool(4096);
    const slots = new StaticArray<usize>(4);
    for (let i = 0; i < 4; i++) slots[i] = pool.take(1024);
    expect<usize>(pool.take(64)).toBe(0);
    for (let i = 0; i < 4; i++) pool.give(slots[i], 1024);
    const small = pool.take(64);
    expect(small != 0).toBe(true, 'blocks that nobody uses do not keep out other sizes');
    expect(isZero(small, 64)).toBe(true);
    const large = pool.take(2048);
    expect(large != 0).toBe(true);
    expect(isZero(large, 2048)).toBe(true);
    expect(pool.held <= 4096).toBe(true);
    expect<usize>(pool.used).toBe(64 + 2048);
    expect<usize>(pool.take(4096)).toBe(0);
  });

  it('takes nothing back that it never gave', () => {
    const pool = new SlotPool(256);
    pool.give(0, 64);
    expect<usize>(pool.used).toBe(0);
  });
});
