import { StreamTable } from '../../../filters/runtime/stream-table';
import { MAX_LIVE_STREAMS } from '../../../filters/limits';

describe('StreamTable', () => {
  it('finds what was inserted and nothing else', () => {
    const table = new StreamTable();
    for (let id: u32 = 2; id < 3000; id += 3) table.insert(id);
    expect(table.size).toBe(1000);
    for (let id: u32 = 2; id < 3000; id++) {
      const stream = table.find(id);
      if (id % 3 == 2) expect(stream != null && stream.contextId == id).toBe(true);
      else expect(stream == null).toBe(true);
    }
  });

  it('agrees with a plain set under random insertions and removals', () => {
    const table = new StreamTable();
    const model = new Set<u32>();
    let state: u32 = 12345;
    for (let i = 0; i < 50000; i++) {
      state = state * 1664525 + 1013904223;
      const id = ((state >> 8) % 4000) + 1;
      if ((state >> 4) & 1) {
        if (!model.has(id)) {
          table.insert(id);
          model.add(id);
        }
      } else {
        table.remove(id);
        model.delete(id);
      }
    }
    let wrong = 0;
    for (let id: u32 = 1; id <= 4000; id++) {
      const stream = table.find(id);
      if ((stream != null) != model.has(id)) wrong++;
      if (stream != null && stream.contextId != id) wrong++;
    }
    expect(wrong).toBe(0);
    expect(table.size).toBe(<u32>model.size);
  });

  it('hands out cleared streams', () => {
    const table = new StreamTable();
    const first = table.insert(7);
    if (first != null) {
      first.replied = true;
      first.request.step = 3;
      first.response.body.length = 9;
    }
    table.remove(7);
    const second = table.insert(8);
    expect(second != null && !second.replied && second.request.step == 0 && second.response.body.length == 0).toBe(
      true,
    );
  });

  it('refuses one stream more than MAX_LIVE_STREAMS, and serves again when one has gone', () => {
    const table = new StreamTable();
    for (let id: u32 = 1; id <= MAX_LIVE_STREAMS; id++) table.insert(id);
    expect(table.insert(MAX_LIVE_STREAMS + 1) == null).toBe(true);
    table.remove(5);
    expect(table.insert(MAX_LIVE_STREAMS + 1) != null).toBe(true);
  });
});
