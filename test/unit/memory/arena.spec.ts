import { Arena } from '../../../filters/memory/arena';

const CHUNK: usize = 4096;
const CAP: usize = 64 * 1024;

function fill(pointer: usize, bytes: usize, value: u8): void {
  memory.fill(pointer, value, bytes);
}

function holds(pointer: usize, bytes: usize, value: u8): bool {
  for (let i: usize = 0; i < bytes; i++) if (load<u8>(pointer + i) != value) return false;
  return true;
}

describe('Arena', () => {
  it('takes nothing from the heap before it is used', () => {
    expect<usize>(new Arena(CHUNK, CAP).held).toBe(0);
  });

  it('hands out aligned, disjoint ranges', () => {
    const arena = new Arena(CHUNK, CAP);
    const a = arena.allocate(1);
    const b = arena.allocate(17);
    const c = arena.allocate(16);
    expect<usize>(a & 15).toBe(0);
    expect<usize>(b & 15).toBe(0);
    expect<usize>(c & 15).toBe(0);
    expect<usize>(b - a).toBe(16);
    expect<usize>(c - b).toBe(32);
    arena.release();
  });

  it('answers a request for no bytes with an address', () => {
    const arena = new Arena(CHUNK, CAP);
    expect<bool>(arena.allocate(0) != 0).toBe(true, 'from an empty arena');
    expect<bool>(arena.allocate(0) != 0).toBe(true, 'from a block');
    arena.release();
  });

  it('keeps what is in older blocks when it grows', () => {
    const arena = new Arena(CHUNK, CAP);
    const first = arena.allocate(4000);
    fill(first, 4000, 0xaa);
    const second = arena.allocate(4000);
    fill(second, 4000, 0xbb);
    const third = arena.allocate(12000); // larger than any block so far
    fill(third, 12000, 0xcc);
    expect<bool>(holds(first, 4000, 0xaa)).toBe(true, 'first block');
    expect<bool>(holds(second, 4000, 0xbb)).toBe(true, 'second block');
    expect<bool>(holds(third, 12000, 0xcc)).toBe(true, 'third block');
    arena.release();
  });

  it('goes back to a mark, with the blocks that came since', () => {
    const arena = new Arena(CHUNK, CAP);
    const empty = arena.mark;
    const first = arena.allocate(4000);
    fill(first, 4000, 0xaa);
    const held = arena.held;
    const mark = arena.mark;
    arena.allocate(64);
    arena.allocate(5000);
    arena.allocate(30000);
    arena.unwind(mark);
    expect<usize>(arena.held).toBe(held);
    expect<bool>(holds(first, 4000, 0xaa)).toBe(true);
    const next = arena.allocate(16);
    expect<usize>(next).toBe(mark);
    arena.unwind(empty);
    expect<usize>(arena.held).toBe(0);
    expect<bool>(arena.allocate(16) != 0).toBe(true);
    arena.release();
  });

  it('doubles, so that many small requests take few blocks', () => {
    const arena = new Arena(CHUNK, CAP);
    let steps = 0;
    let held: usize = 0;
    for (let i = 0; i < 60; i++) {
      arena.allocate(1000);
      if (arena.held != held) steps++;
      held = arena.held;
    }
    expect<i32>(steps).toBe(5, '4, 4, 8, 16, 32 KiB');
    arena.release();
  });

  it('answers 0 at its cap, and still serves what fits', () => {
    const arena = new Arena(CHUNK, CAP);
    expect<usize>(arena.allocate(CAP + 1)).toBe(0, 'more than the cap');
    expect<usize>(arena.allocate(CAP)).toBe(0, 'the cap, without room for the block itself');
    expect<usize>(arena.held).toBe(0, 'a refusal takes nothing');
    expect<bool>(arena.allocate(CAP - 16) != 0).toBe(true, 'all of it');
    expect<usize>(arena.held).toBe(CAP);
    expect<usize>(arena.allocate(1)).toBe(0, 'full');
    arena.reset();
    expect<bool>(arena.allocate(1) != 0).toBe(true, 'again after reset');
    arena.release();
  });

  it('refuses sizes near the end of the address space', () => {
    const arena = new Arena(CHUNK, CAP);
    arena.allocate(100);
    expect<usize>(arena.allocate(0xffffffff)).toBe(0);
    expect<usize>(arena.allocate(0xfffffff0)).toBe(0);
    expect<usize>(arena.allocate(0x80000000)).toBe(0);
    expect<bool>(arena.allocate(100) != 0).toBe(true);
    arena.release();
  });

  it('never holds more than its cap, whatever is asked', () => {
    const arena = new Arena(CHUNK, CAP);
    let size: usize = 1;
    for (let i = 0; i < 2000; i++) {
      size = (size * 1103515245 + 12345) & 0x7fff;
      const pointer = arena.allocate(size);
      if (pointer == 0) arena.reset();
      else fill(pointer, size, <u8>i);
      expect<bool>(arena.held <= CAP).toBe(true, 'held <= cap');
    }
    arena.release();
  });

  it('keeps one block of the same total over reset, and then stays flat', () => {
    const arena = new Arena(CHUNK, CAP);
    for (let i = 0; i < 10; i++) arena.allocate(2000);
    const held = arena.held;
    arena.reset();
    expect<usize>(arena.held).toBe(held, 'same total');
    const first = arena.allocate(2000);
    for (let i = 1; i < 10; i++) expect<bool>(arena.allocate(2000) != 0).toBe(true);
    expect<usize>(arena.held).toBe(held, 'the same load needs nothing more');
    arena.reset();
    expect<usize>(arena.allocate(2000)).toBe(first, 'same place');
    arena.release();
  });

  it('resets and releases when empty', () => {
    const arena = new Arena(CHUNK, CAP);
    arena.reset();
    arena.release();
    arena.release();
    expect<usize>(arena.held).toBe(0);
    expect<bool>(arena.allocate(10) != 0).toBe(true);
    arena.release();
    expect<usize>(arena.held).toBe(0);
  });

  it('trims the last allocation', () => {
    const arena = new Arena(CHUNK, CAP);
    const a = arena.allocate(1000);
    arena.trim(a, 20);
    expect<usize>(arena.allocate(8)).toBe(a + 32);
    arena.release();
  });

  it('trims to nothing', () => {
    const arena = new Arena(CHUNK, CAP);
    const a = arena.allocate(1000);
    arena.trim(a, 0);
    expect<usize>(arena.allocate(8)).toBe(a);
    arena.release();
  });

  it('leaves everything as it is when a trim asks for more than was given', () => {
    const arena = new Arena(CHUNK, CAP);
    const a = arena.allocate(16);
    arena.trim(a, 1000);
    expect<usize>(arena.allocate(16)).toBe(a + 16);
    arena.release();
  });
});
