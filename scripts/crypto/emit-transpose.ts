// Emits filters/crypto/transpose.gen.ts: 16 rows of 16 bytes to columns, by four stages of byte interleaving.
import { header } from './emit.ts';

const LOW = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23].join(', ');
const HIGH = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31].join(', ');

export function emitTranspose(): string {
  const lines: string[] = [];
  let rows = Array.from({ length: 16 }, (_, i) => `r${i}`);
  rows.forEach((row, i) => lines.push(`  const ${row} = v128.load(from, ${i * 16});`));
  for (let stage = 0; stage < 4; stage++) {
    const next: string[] = [];
    for (let i = 0; i < 8; i++) {
      const names = [`t${stage}_${2 * i}`, `t${stage}_${2 * i + 1}`];
      lines.push(`  const ${names[0]} = i8x16.shuffle(${rows[i]}, ${rows[i + 8]}, ${LOW});`);
      lines.push(`  const ${names[1]} = i8x16.shuffle(${rows[i]}, ${rows[i + 8]}, ${HIGH});`);
      next.push(...names);
    }
    rows = next;
  }
  const store = (stride: number) => rows.map((row, i) => `  v128.store(to, ${row}, ${i * stride});`);
  const name = (suffix: string, about: string, stride: number) =>
    [
      `/** ${about} */`,
      `export function transpose16${suffix}(from: usize, to: usize): void {`,
      ...lines,
      ...store(stride),
      '}',
      '',
    ].join('\n');
  return [
    header('Method: scripts/crypto/emit-transpose.ts.'),
    name(
      '',
      'Byte j of row i at `from` becomes byte i of row j at `to`, 256 bytes each; `from` and `to` may be the same.',
      16,
    ),
    name('Spread', 'As `transpose16`, with the rows at `to` 32 bytes apart.', 32),
  ].join('\n');
}
