// The S-box of SM4 as 116 gates: linear layers found by search-circuit.ts around Boyar and Peralta's inversion. Proved
// here for all inputs. The affine constants are left out: callers fold them into the round keys.
import { truthTable, type Gate } from './circuit.ts';
import { aroundInversion } from './inversion.ts';
import { SM4_CONSTANT, SM4_INPUT_CONSTANT, SM4_SBOX } from './sm4-sbox.ts';

const TOP = `a0=x2^x6 a1=x1^a0 a2=x2^x7 a3=x4^a2 a4=x0^a3 a5=a1^a4 a6=x3^x5 a7=x7^a6 a8=a3^a7 a9=x0^a8 a10=x1^a9 a11=x5^a10 a12=a2^a11
a13=x4^a12 a14=x0^a13 a15=a1^a12 a16=a5^a6 a17=a3^a16 a18=a0^a17 a19=a8^a14 a20=x6^a19 a21=x1^a20`;
const MIDDLE_INPUTS = `T13:a20 T6:a19 T23:a18 T8:a8 T14:a2 T19:a15 D:a14 T3:x1 T16:a9 T22:a0 T9:a7 T26:a10 T20:a1 T17:a4 T1:a12 T15:a11 T4:a21
T27:a13 T2:a17 T10:a3 T24:a16 T25:a5`;
const BOTTOM = `l0=M46^M56 l1=M55^M61 l2=M52^M60 l3=M59^l2 l4=M51^l0 l5=M47^l4 l6=M63^l1 l7=M53^l3 l8=M54^l5 l9=M62^l8 l10=l6^l7 l11=M50^M57
l12=l1^l9 l13=M53^l12 l14=M58^M59 l15=M48^l11 l16=M50^l12 l17=M49^l10 l18=l4^l7 l19=l3^l11 l20=M62^l14 l21=M57^l6 l22=l15^l18 l23=M56^l17
l24=M61^l20 l25=l8^l19 l26=M49^l13 l27=M47^l10 l28=M52^l16 l29=l0^l27 l30=M50^l23`;
/** Wires of the output bits, bit 0 first. */
export const SM4_OUTPUTS = ['l26', 'l25', 'l30', 'l21', 'l28', 'l29', 'l22', 'l24'];

/** The gates from x0 … x7 to the outputs. */
export const SM4_GATES: Gate[] = aroundInversion(TOP, MIDDLE_INPUTS, BOTTOM);

truthTable(SM4_GATES, SM4_OUTPUTS).forEach((value, x) => {
  if ((value ^ SM4_CONSTANT) !== SM4_SBOX[x ^ SM4_INPUT_CONSTANT]) throw new Error(`the circuit is wrong at ${x}`);
});
