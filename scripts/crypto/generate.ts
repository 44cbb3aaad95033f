// Writes the generated files of filters/crypto. With --check it writes nothing and fails if a committed file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitAes } from './emit-aes.ts';
import { emitBits } from './emit-bits.ts';
import { emitDes } from './emit-des.ts';
import { emitGhash } from './emit-ghash.ts';
import { emitTranspose } from './emit-transpose.ts';
import { emitSha256, emitSm3 } from './emit-hashes.ts';
import { emitSm2Constants } from './sm2-constants.ts';
import { emitSm2Field } from './sm2-field.ts';
import { emitSm4Bitslice } from './emit-sm4-bitslice.ts';
import { emitSm4Vperm } from './emit-sm4-vperm.ts';

const FOLDER = join(import.meta.dirname, '../../filters/crypto');
const FILES: Record<string, () => string> = {
  'aes-bitslice.gen.ts': emitAes,
  'des.gen.ts': emitDes,
  'sm2-constants.gen.ts': emitSm2Constants,
  'sm2-field.gen.ts': emitSm2Field,
  'sm3.gen.ts': emitSm3,
  'sha256.gen.ts': emitSha256,
  'bits.gen.ts': emitBits,
  'sm4-bitslice.gen.ts': emitSm4Bitslice,
  'ghash.gen.ts': emitGhash,
  'transpose.gen.ts': emitTranspose,
  'sm4-vperm.gen.ts': emitSm4Vperm,
};

const check = process.argv.includes('--check');
let stale = 0;
for (const [name, emit] of Object.entries(FILES)) {
  const path = join(FOLDER, name);
  const text = emit();
  if (!check) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${name} differs from what its generator writes`);
    stale++;
  }
}
process.exitCode = stale > 0 ? 1 : 0;
