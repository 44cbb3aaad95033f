// Leaks that a tracer must detect: one function for each kind.
const TABLE: usize = memory.data<u8>([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3]);

export function allocate(bytes: u32): usize {
  return heap.alloc(bytes);
}

/** A load whose address depends on the secret. */
export function lookup(secret: usize): u32 {
  return load<u8>(TABLE + (load<u8>(secret) & 15));
}

/** A store whose address depends on the secret. */
export function scatter(secret: usize): void {
  store<u8>(secret + 16 + (load<u8>(secret) & 15), 1);
}

/** A comparison that stops at the first difference. */
export function compare(secret: usize, guess: usize): bool {
  for (let i: usize = 0; i < 16; i++) if (load<u8>(secret + i) != load<u8>(guess + i)) return false;
  return true;
}

/** A loop as long as the secret is large. */
export function repeat(secret: usize): u32 {
  let sum: u32 = 1;
  for (let i: u32 = load<u8>(secret); i > 0; i--) sum = sum * 31 + load<u8>(secret + 1);
  return sum;
}

/** A remainder of the secret. */
export function reduce(secret: usize): u32 {
  return load<u32>(secret) % 1000003;
}

/** A copy as long as the secret says. */
export function copy(secret: usize): void {
  memory.copy(secret + 16, secret, load<u8>(secret) & 15);
}

/** The same without a leak: arithmetic on the secret only. */
export function innocent(secret: usize): u32 {
  let sum: u32 = 0;
  for (let i: usize = 0; i < 16; i++) sum = rotl(sum, 5) ^ (load<u8>(secret + i) * 0x9e3779b1);
  return sum;
}
