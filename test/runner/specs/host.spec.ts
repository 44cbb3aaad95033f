// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'random_get')
declare function randomGet(pointer: usize, length: u32): u32;
// @ts-ignore: decorator
@external('env', 'proxy_get_current_time_nanoseconds')
declare function now(pointer: usize): u32;
// @ts-ignore: decorator
@external('env', 'proxy_set_shared_data')
declare function setShared(key: usize, keyLength: u32, value: usize, valueLength: u32, cas: u32): u32;
// @ts-ignore: decorator
@external('env', 'proxy_get_shared_data')
declare function getShared(key: usize, keyLength: u32, value: usize, valueLength: usize, cas: usize): u32;
// @ts-ignore: decorator
@external('env', 'proxy_done')
declare function done(): u32;
// @ts-ignore: decorator
@external('unit', 'setRandom')
declare function setRandom(mode: i32): void;
// @ts-ignore: decorator
@external('unit', 'setClock')
declare function setClock(nanoseconds: i64): void;

export function malloc(bytes: usize): usize {
  return heap.alloc(bytes);
}

const ROOM = memory.data(64);

describe('the host of the specs', () => {
  it('gives randomness, and fails when told to', () => {
    store<u64>(ROOM, 0);
    expect<u32>(randomGet(ROOM, 8)).toBe(0);
    expect<bool>(load<u64>(ROOM) != 0).toBe(true);
    setRandom(1);
    expect<bool>(randomGet(ROOM, 8) != 0).toBe(true);
    setRandom(2);
    expect<u32>(randomGet(ROOM, 8)).toBe(0);
    expect<u64>(load<u64>(ROOM)).toBe(0);
    setRandom(0);
  });

  it('has a clock that can be set', () => {
    setClock(77);
    expect<u32>(now(ROOM)).toBe(0);
    expect<u64>(load<u64>(ROOM)).toBe(77);
    setClock(-1);
    now(ROOM);
    expect<bool>(load<u64>(ROOM) > 77).toBe(true);
  });

  it('keeps shared data with compare and swap', () => {
    store<u32>(ROOM, 0x64636261);
    expect<u32>(getShared(ROOM, 4, ROOM + 8, ROOM + 12, ROOM + 16)).toBe(1, 'not found');
    expect<u32>(setShared(ROOM, 4, ROOM, 3, 0)).toBe(0);
    expect<u32>(getShared(ROOM, 4, ROOM + 8, ROOM + 12, ROOM + 16)).toBe(0);
    expect<u32>(load<u32>(ROOM, 12)).toBe(3);
    expect<u8>(load<u8>(load<usize>(ROOM, 8))).toBe(0x61);
    expect<u32>(setShared(ROOM, 4, ROOM, 4, load<u32>(ROOM, 16))).toBe(0);
    expect<u32>(setShared(ROOM, 4, ROOM, 4, load<u32>(ROOM, 16))).toBe(4, 'the same mark again');
  });

  it('has nothing else', () => {
    expect<u32>(done()).toBe(12, 'unimplemented');
  });
});
