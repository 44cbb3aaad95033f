// The generated files of filters/crypto, each with its generator.
import type { Output } from '../generate/output.ts';
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

/** The generated files of filters/crypto. */
export function cryptoOutputs(): Output[] {
  return Object.entries(FILES).map(([name, emit]) => ({ path: `filters/crypto/${name}`, text: emit() }));
}
