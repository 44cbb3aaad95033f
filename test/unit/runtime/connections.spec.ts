import { MAX_COUNTED_CONNECTIONS } from '../../../filters/limits';
import { Connections } from '../../../filters/runtime/connections';

describe('Connections', () => {
  it('adds up for each connection, and forgets it with its last byte', () => {
    const connections = new Connections();
    expect(connections.change(7, 100)).toBe(100);
    expect(connections.change(9, 5)).toBe(5);
    expect(connections.change(7, 50)).toBe(150);
    expect(connections.size).toBe(2);
    expect(connections.change(7, -150)).toBe(0);
    expect(connections.size).toBe(1);
    expect(connections.change(7, 1)).toBe(1);
    expect(connections.change(9, 0)).toBe(5);
  });

  it('never goes below nothing', () => {
    const connections = new Connections();
    expect(connections.change(3, -10)).toBe(0);
    connections.change(3, 10);
    expect(connections.change(3, -11)).toBe(0);
    expect(connections.size).toBe(0);
  });

  it('agrees with a plain map under random changes', () => {
    const connections = new Connections();
    const model = new Map<u64, i64>();
    let state: u32 = 99;
    let wrong = 0;
    for (let i = 0; i < 50000; i++) {
      state = state * 1664525 + 1013904223;
      const id = <u64>((state >> 8) % 3000) + 1;
      const before = model.has(id) ? model.get(id) : 0;
      const change: i64 = (state >> 4) & 1 ? 10 : -before;
      if (before + change == 0) model.delete(id);
      else model.set(id, before + change);
      if (connections.change(id, change) != <u64>(before + change)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(connections.size).toBe(<u32>model.size);
  });

  it('does not count one more than there is place for, and finds place again', () => {
    const connections = new Connections();
    for (let id: u64 = 1; id <= MAX_COUNTED_CONNECTIONS; id++) connections.change(id, 1);
    expect(connections.change(u64.MAX_VALUE, 1)).toBe(0);
    connections.change(1, -1);
    expect(connections.change(u64.MAX_VALUE, 1)).toBe(1);
  });
});
