import { firstInvalidUtf8, isUtf8, utf8Length } from '../../../filters/message/utf8';

const TEXT: usize = memory.data(64, 16);

/** Byte by byte, from the table of RFC 3629 section 4: the other way to say it. */
function wellFormed(length: u32): bool {
  return firstInvalidUtf8(TEXT, length) == length;
}

describe('isUtf8', () => {
  it('agrees with the byte by byte reading on every pair of bytes, at every place of a block', () => {
    let wrong = 0;
    for (let place: usize = 0; place < 17; place += 5) {
      memory.fill(TEXT, 97, 64);
      for (let pair: u32 = 0; pair < 65536; pair++) {
        store<u16>(TEXT + place, <u16>pair);
        if (isUtf8(TEXT, 24) != wellFormed(24)) wrong++;
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it('agrees on every lead with every second byte and good or bad ends', () => {
    let wrong = 0;
    for (let lead: u32 = 0xc0; lead < 256; lead++) {
      for (let second: u32 = 0; second < 256; second++) {
        for (let rest: u32 = 0; rest < 4; rest++) {
          memory.fill(TEXT, 97, 64);
          const ends: u32 = rest == 0 ? 0x8080 : rest == 1 ? 0x6180 : rest == 2 ? 0x8061 : 0xc280;
          store<u32>(TEXT + 13, lead | (second << 8) | (ends << 16));
          if (isUtf8(TEXT, 30) != wellFormed(30)) wrong++;
          if (isUtf8(TEXT, 17) != wellFormed(17)) wrong++;
          if (isUtf8(TEXT, 16) != wellFormed(16)) wrong++;
        }
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it('takes the empty text', () => {
    expect<bool>(isUtf8(TEXT, 0)).toBe(true);
  });
});

describe('utf8Length', () => {
  it('knows the ends of the ranges of RFC 3629', () => {
    const good: StaticArray<u32> = [
      0x7f, 0x80c2, 0xbfdf, 0x80a0e0, 0xbf9fed, 0x8080ee, 0xbfbfef, 0x808090f0, 0xbfbf8ff4,
    ];
    for (let i = 0; i < good.length; i++) {
      store<u32>(TEXT, good[i]);
      const bytes: u32 = 4 - (clz(good[i]) >> 3);
      expect<u32>(utf8Length(TEXT, TEXT + 4)).toBe(bytes);
      if (bytes > 1) expect<u32>(utf8Length(TEXT, TEXT + bytes - 1)).toBe(0);
    }
    const bad: StaticArray<u32> = [0x80, 0xbfc1, 0x809fe0, 0x80a0ed, 0x80808ff0, 0x808090f4, 0x808080f5, 0xff];
    for (let i = 0; i < bad.length; i++) {
      store<u32>(TEXT, bad[i]);
      expect<u32>(utf8Length(TEXT, TEXT + 4)).toBe(0);
    }
  });
});
