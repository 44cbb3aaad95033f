// Emits filters/crypto/bits.gen.ts: bits of bytes to slices and back, by three stages of swaps with masks.
import { header } from './emit.ts';

const STAGES = [{ distance: 1 }, { distance: 2 }, { distance: 4 }];

export function emitBits(): string {
  const lines = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `  let b${i} = v128.load(at, ${i * 16});`);
  lines.push('  let t: v128;');
  STAGES.forEach(({ distance }, stage) => {
    lines.push(`  const mask${distance} = v128.load(MASKS, ${stage * 16});`);
    for (let low = 0; low < 8; low++) {
      if (low & distance) continue;
      const high = low + distance;
      lines.push(`  t = v128.and(v128.xor(i64x2.shr_u(b${low}, ${distance}), b${high}), mask${distance});`);
      lines.push(`  b${high} = v128.xor(b${high}, t);`);
      lines.push(`  b${low} = v128.xor(b${low}, i64x2.shl(t, ${distance}));`);
    }
  });
  for (let i = 0; i < 8; i++) lines.push(`  v128.store(at, b${i}, ${i * 16});`);
  return [
    header('Method: scripts/crypto/emit-bits.ts.'),
    `const MASKS: usize = memory.data<u8>([${[0x55, 0x33, 0x0f].flatMap((mask) => new Array<number>(16).fill(mask)).join(', ')}], 16);`,
    '',
    '/** Bit j of each byte of vector i becomes bit i of the same byte of vector j: eight vectors at `at`, in place. Its own inverse. */',
    'export function transposeBits8(at: usize): void {',
    ...lines,
    '}',
    '',
  ].join('\n');
}
