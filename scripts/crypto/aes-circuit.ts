// The S-box of AES as 119 gates: linear layers found by search-circuit.ts around Boyar and Peralta's inversion. Proved
// here for all inputs. The affine constant is left out: callers fold it into the round keys.
import { AES_CONSTANT, AES_SBOX } from './aes-sbox.ts';
import { truthTable, type Gate } from './circuit.ts';
import { aroundInversion } from './inversion.ts';

const TOP = `a0=x1^x7 a1=x2^x4 a2=x2^x7 a3=x4^x7 a4=a0^a1 a5=x3^a4 a6=x2^a5 a7=x0^a6 a8=x6^a5 a9=a3^a8 a10=x0^a9 a11=x5^x6 a12=x0^a11 a13=x1^a12
a14=x4^a12 a15=x7^a12 a16=a2^a13 a17=a6^a11 a18=a2^a17 a19=a9^a11 a20=x7^a19 a21=x1^a20 a22=a6^a19`;
const MIDDLE_INPUTS = `T13:a4 T6:a6 T23:a16 T8:a7 T14:a8 T19:a14 D:x0 T3:a0 T16:a19 T22:a13 T9:a12 T26:a21 T20:a15 T17:a10 T1:a3 T15:a9 T4:a1 T27:a22 T2:a2 T10:a17
T24:a18 T25:a20`;
const BOTTOM = `l0=M61^M62 l1=M56^l0 l2=M50^l1 l3=M46^M48 l4=M54^M58 l5=M49^l2 l6=M47^M55 l7=M60^l4 l8=M52^M53 l9=M59^l0 l10=M46^l6 l11=M51^l9 l12=l3^l7
l13=M50^l4 l14=l5^l8 l15=l1^l8 l16=M48^l6 l17=M51^l16 l18=M61^l12 l19=M49^M58 l20=l5^l12 l21=l11^l19 l22=M53^l13 l23=l10^l15 l24=l5^l10
l25=M63^l18 l26=M55^l14 l27=l2^l17 l28=M53^l20 l29=M52^l25 l30=M57^l28 l31=l11^l22 l32=l3^l21`;
/** Wires of the output bits, bit 0 first. */
export const AES_OUTPUTS = ['l32', 'l31', 'l30', 'l27', 'l24', 'l29', 'l23', 'l26'];

/** The gates from x0 … x7 to the outputs. */
export const AES_GATES: Gate[] = aroundInversion(TOP, MIDDLE_INPUTS, BOTTOM);

truthTable(AES_GATES, AES_OUTPUTS).forEach((value, x) => {
  if ((value ^ AES_CONSTANT) !== AES_SBOX[x]) throw new Error(`the circuit is wrong at ${x}`);
});
