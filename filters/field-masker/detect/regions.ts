// Divisions of GB/T 2260 down to the prefecture, of 1980 to 2016: the first four digits of a resident identity number.
// They matter where no check character tells a number of 15 digits from another one.

/** Province, last city (from 01), last prefecture (from 21), and a further range. In ascending order of provinces. */
const PROVINCES: usize = memory.data<u8>([
  11, 2, 0, 0, 0, 12, 2, 0, 0, 0, 13, 11, 30, 0, 0, 14, 11, 27, 0, 0, 15, 9, 29, 0, 0, 21, 14, 22, 0, 0, 22, 8, 26, 0,
  0, 23, 12, 27, 0, 0, 31, 3, 0, 0, 0, 32, 13, 27, 0, 0, 33, 11, 28, 0, 0, 34, 18, 29, 0, 0, 35, 9, 27, 0, 0, 36, 11,
  26, 0, 0, 37, 17, 29, 0, 0, 41, 17, 30, 0, 0, 42, 13, 29, 0, 0, 43, 13, 31, 0, 0, 44, 29, 0, 51, 53, 45, 14, 28, 0, 0,
  46, 4, 0, 0, 0, 50, 3, 0, 0, 0, 51, 39, 0, 70, 70, 52, 6, 27, 0, 0, 53, 9, 35, 0, 0, 54, 6, 27, 0, 0, 61, 10, 27, 0,
  0, 62, 12, 30, 0, 0, 63, 2, 28, 0, 0, 64, 5, 22, 0, 0, 65, 5, 32, 40, 43,
]);
const PROVINCE_COUNT: u32 = 31;
const PROVINCE_BYTES: u32 = 5;
const FIRST_PREFECTURE: u32 = 21;
/** Counties that the province itself administers. */
const DIRECT: u32 = 90;

/** Whether two digits of a province and two of a city or prefecture are a division of mainland China. */
export function isPrefecture(province: u32, city: u32): bool {
  for (let i: u32 = 0; i < PROVINCE_COUNT; i++) {
    const row = PROVINCES + <usize>(i * PROVINCE_BYTES);
    const code = <u32>load<u8>(row);
    if (province > code) continue;
    if (province < code || city == 0) return false;
    if (city <= <u32>load<u8>(row, 1) || city == DIRECT) return true;
    if (city >= FIRST_PREFECTURE && city <= <u32>load<u8>(row, 2)) return true;
    return city >= <u32>load<u8>(row, 3) && city <= <u32>load<u8>(row, 4);
  }
  return false;
}
