/** Unix time of a text of 10 digits (seconds) or 13 digits (milliseconds), in milliseconds; -1 for any other text. */
export function parseSigningTime(text: usize, length: u32): i64 {
  if (length != 10 && length != 13) return -1;
  let value: i64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return length == 10 ? value * 1000 : value;
}
