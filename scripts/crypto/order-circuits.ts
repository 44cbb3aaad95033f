// Searches orders of the bitsliced rounds that keep values in registers, and records them in sm4-order.json and
// aes-order.json. Run: node scripts/crypto/order-circuits.ts [tries] [moves] [seed]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aesDependencies } from './emit-aes.ts';
import { roundDependencies } from './emit-sm4-bitslice.ts';
import { memoryTraffic, schedule } from './schedule.ts';

const [tries = 300, moves = 20000, seed = 1] = process.argv.slice(2).map(Number);
for (const [cipher, needs] of [
  ['sm4', roundDependencies()],
  ['aes', aesDependencies()],
] as const) {
  const order = schedule(needs, tries, moves, seed);
  console.log(
    `${cipher}: memory traffic ${memoryTraffic([...needs.keys()], needs)} in plain order, ${memoryTraffic(order, needs)} in this`,
  );
  const lines = Array.from(
    { length: Math.ceil(order.length / 16) },
    (_, i) =>
      '  ' +
      order
        .slice(i * 16, i * 16 + 16)
        .map((n) => `"${n}"`)
        .join(', '),
  );
  writeFileSync(join(import.meta.dirname, `${cipher}-order.json`), `[\n${lines.join(',\n')}\n]\n`);
}
