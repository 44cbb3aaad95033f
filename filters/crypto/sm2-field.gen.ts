// Written by scripts/crypto/sm2-field.ts: change that, not this. Its head explains the method.

/**
 * r = a * b / 2^261 modulo p. In: limbs within +-2^30 for one operand and +-2^29 for the other, values with |a * b| <=
 * 32 p^2. Out: limbs 0-7 in [0, 2^29), value within (-p, 2p). `r` may be `a` or `b`.
 */
export function fieldMultiply(r: usize, a: usize, b: usize): void {
  const a0 = load<i64>(a, 0);
  const a1 = load<i64>(a, 8);
  const a2 = load<i64>(a, 16);
  const a3 = load<i64>(a, 24);
  const a4 = load<i64>(a, 32);
  const a5 = load<i64>(a, 40);
  const a6 = load<i64>(a, 48);
  const a7 = load<i64>(a, 56);
  const a8 = load<i64>(a, 64);
  const b0 = load<i64>(b, 0);
  const b1 = load<i64>(b, 8);
  const b2 = load<i64>(b, 16);
  const b3 = load<i64>(b, 24);
  const b4 = load<i64>(b, 32);
  const b5 = load<i64>(b, 40);
  const b6 = load<i64>(b, 48);
  const b7 = load<i64>(b, 56);
  const b8 = load<i64>(b, 64);
  const t0 = a0 * b0;
  const m0 = t0 & 0x1fffffff;
  const t1 = a0 * b1 + a1 * b0 + (t0 >> 29);
  const m1 = t1 & 0x1fffffff;
  const t2 = a0 * b2 + a1 * b1 + a2 * b0 + (m0 << 6) + (t1 >> 29);
  const m2 = t2 & 0x1fffffff;
  const t3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + (m1 << 6) - (m0 << 9) + (t2 >> 29);
  const m3 = t3 & 0x1fffffff;
  const t4 = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + (m2 << 6) - (m1 << 9) + (t3 >> 29);
  const m4 = t4 & 0x1fffffff;
  const t5 = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + (m3 << 6) - (m2 << 9) + (t4 >> 29);
  const m5 = t5 & 0x1fffffff;
  const t6 = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0 + (m4 << 6) - (m3 << 9) + (t5 >> 29);
  const m6 = t6 & 0x1fffffff;
  const t7 = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0 + (m5 << 6) - (m4 << 9) - (m0 << 21) + (t6 >> 29);
  const m7 = t7 & 0x1fffffff;
  const t8 = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0 + (m6 << 6) - (m5 << 9) - (m1 << 21) + (m0 << 24) + (t7 >> 29);
  const m8 = t8 & 0x1fffffff;
  const t9 = a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + (m7 << 6) - (m6 << 9) - (m2 << 21) + (m1 << 24) + (t8 >> 29);
  store<i64>(r, t9 & 0x1fffffff, 0);
  const t10 = a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + (m8 << 6) - (m7 << 9) - (m3 << 21) + (m2 << 24) + (t9 >> 29);
  store<i64>(r, t10 & 0x1fffffff, 8);
  const t11 = a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 - (m8 << 9) - (m4 << 21) + (m3 << 24) + (t10 >> 29);
  store<i64>(r, t11 & 0x1fffffff, 16);
  const t12 = a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 - (m5 << 21) + (m4 << 24) + (t11 >> 29);
  store<i64>(r, t12 & 0x1fffffff, 24);
  const t13 = a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 - (m6 << 21) + (m5 << 24) + (t12 >> 29);
  store<i64>(r, t13 & 0x1fffffff, 32);
  const t14 = a6 * b8 + a7 * b7 + a8 * b6 - (m7 << 21) + (m6 << 24) + (t13 >> 29);
  store<i64>(r, t14 & 0x1fffffff, 40);
  const t15 = a7 * b8 + a8 * b7 - (m8 << 21) + (m7 << 24) + (t14 >> 29);
  store<i64>(r, t15 & 0x1fffffff, 48);
  const t16 = a8 * b8 + (m8 << 24) + (t15 >> 29);
  store<i64>(r, t16 & 0x1fffffff, 56);
  store<i64>(r, (t16 >> 29), 64);
}

/** r = a * a / 2^261 modulo p. In: limbs within +-2^29, |a| <= 5p. Out: as of `fieldMultiply`. `r` may be `a`. */
export function fieldSquare(r: usize, a: usize): void {
  const a0 = load<i64>(a, 0);
  const a1 = load<i64>(a, 8);
  const a2 = load<i64>(a, 16);
  const a3 = load<i64>(a, 24);
  const a4 = load<i64>(a, 32);
  const a5 = load<i64>(a, 40);
  const a6 = load<i64>(a, 48);
  const a7 = load<i64>(a, 56);
  const a8 = load<i64>(a, 64);
  const d0 = a0 << 1;
  const d1 = a1 << 1;
  const d2 = a2 << 1;
  const d3 = a3 << 1;
  const d4 = a4 << 1;
  const d5 = a5 << 1;
  const d6 = a6 << 1;
  const d7 = a7 << 1;
  const t0 = a0 * a0;
  const m0 = t0 & 0x1fffffff;
  const t1 = d0 * a1 + (t0 >> 29);
  const m1 = t1 & 0x1fffffff;
  const t2 = d0 * a2 + a1 * a1 + (m0 << 6) + (t1 >> 29);
  const m2 = t2 & 0x1fffffff;
  const t3 = d0 * a3 + d1 * a2 + (m1 << 6) - (m0 << 9) + (t2 >> 29);
  const m3 = t3 & 0x1fffffff;
  const t4 = d0 * a4 + d1 * a3 + a2 * a2 + (m2 << 6) - (m1 << 9) + (t3 >> 29);
  const m4 = t4 & 0x1fffffff;
  const t5 = d0 * a5 + d1 * a4 + d2 * a3 + (m3 << 6) - (m2 << 9) + (t4 >> 29);
  const m5 = t5 & 0x1fffffff;
  const t6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + (m4 << 6) - (m3 << 9) + (t5 >> 29);
  const m6 = t6 & 0x1fffffff;
  const t7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + (m5 << 6) - (m4 << 9) - (m0 << 21) + (t6 >> 29);
  const m7 = t7 & 0x1fffffff;
  const t8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + (m6 << 6) - (m5 << 9) - (m1 << 21) + (m0 << 24) + (t7 >> 29);
  const m8 = t8 & 0x1fffffff;
  const t9 = d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5 + (m7 << 6) - (m6 << 9) - (m2 << 21) + (m1 << 24) + (t8 >> 29);
  store<i64>(r, t9 & 0x1fffffff, 0);
  const t10 = d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5 + (m8 << 6) - (m7 << 9) - (m3 << 21) + (m2 << 24) + (t9 >> 29);
  store<i64>(r, t10 & 0x1fffffff, 8);
  const t11 = d3 * a8 + d4 * a7 + d5 * a6 - (m8 << 9) - (m4 << 21) + (m3 << 24) + (t10 >> 29);
  store<i64>(r, t11 & 0x1fffffff, 16);
  const t12 = d4 * a8 + d5 * a7 + a6 * a6 - (m5 << 21) + (m4 << 24) + (t11 >> 29);
  store<i64>(r, t12 & 0x1fffffff, 24);
  const t13 = d5 * a8 + d6 * a7 - (m6 << 21) + (m5 << 24) + (t12 >> 29);
  store<i64>(r, t13 & 0x1fffffff, 32);
  const t14 = d6 * a8 + a7 * a7 - (m7 << 21) + (m6 << 24) + (t13 >> 29);
  store<i64>(r, t14 & 0x1fffffff, 40);
  const t15 = d7 * a8 - (m8 << 21) + (m7 << 24) + (t14 >> 29);
  store<i64>(r, t15 & 0x1fffffff, 48);
  const t16 = a8 * a8 + (m8 << 24) + (t15 >> 29);
  store<i64>(r, t16 & 0x1fffffff, 56);
  store<i64>(r, (t16 >> 29), 64);
}
