// First digits of bank cards and the lengths that they are issued in: the networks' published ranges (ISO/IEC 7812), and
// ranges that China's banks issued before UnionPay's.

/**
 * Ranges of the first four digits in ascending order: from, to, and the lengths as bits (bit n: 13 + n digits).
 *
 * 2200 Mir; 2221 Mastercard; 3000, 3095, 36 and 38 Diners Club; 34 and 37 American Express; 3528 JCB; 4 Visa, with 17 digits
 * of the Bank of Communications (4055) and 18 of the Industrial Bank (4385); 5018, 5038, 5893, 6304 and 67 Maestro; 5060
 * Verve; 5067 and 5090 Elo; 5080 and 6070 RuPay; 51 Mastercard; 5899 China Construction Bank; 6011 and 6440 Discover and
 * others; 6013 to 6039 China's banks before UnionPay; 6060 Hipercard; 62 and 81 UnionPay; 6360 InterPayment; 6858 and 9111
 * China Guangfa Bank; 6907 and 9555 China Merchants Bank; 8430, 8700 and 9843 Shanghai Pudong Development Bank; 9000 and
 * 9558 Industrial and Commercial Bank of China; 9059 and 9666 Industrial Bank; 94 city banks; 9551 Postal Savings Bank; 9559
 * Agricultural Bank of China, Bank of Communications; 9688 China CITIC Bank; 9792 Troy; 9988 Ping An Bank.
 */
const RANGES: usize = memory.data<u16>([
  2200, 2204, 120, 2221, 2720, 8, 3000, 3059, 126, 3095, 3095, 126, 3400, 3499, 4, 3528, 3589, 120, 3600, 3699, 126,
  3700, 3799, 4, 3800, 3999, 126, 4000, 4054, 73, 4055, 4055, 89, 4056, 4384, 73, 4385, 4385, 105, 4386, 4999, 73, 5018,
  5020, 120, 5038, 5038, 120, 5060, 5061, 104, 5067, 5067, 8, 5080, 5089, 8, 5090, 5090, 8, 5100, 5599, 8, 5893, 5893,
  120, 5899, 5899, 64, 6011, 6011, 120, 6013, 6014, 120, 6029, 6039, 120, 6060, 6069, 8, 6070, 6085, 8, 6200, 6299, 120,
  6304, 6304, 120, 6360, 6363, 8, 6440, 6599, 120, 6700, 6799, 104, 6858, 6858, 72, 6907, 6907, 44, 8100, 8171, 120,
  8430, 8439, 8, 8700, 8705, 8, 9000, 9003, 72, 9059, 9059, 8, 9111, 9111, 64, 9400, 9409, 120, 9551, 9551, 64, 9555,
  9555, 8, 9558, 9559, 72, 9666, 9666, 32, 9688, 9688, 8, 9792, 9792, 8, 9843, 9843, 8, 9988, 9988, 8,
]);
const RANGE_COUNT: u32 = 50;
const RANGE_BYTES: u32 = 6;

/** Whether cards that begin with these four digits have `length` digits. */
export function isIssued(first: u32, length: u32): bool {
  for (let i: u32 = 0; i < RANGE_COUNT; i++) {
    const range = RANGES + <usize>(i * RANGE_BYTES);
    if (first < <u32>load<u16>(range)) return false;
    if (first <= <u32>load<u16>(range, 2)) return (((<u32>load<u16>(range, 4)) >> (length - 13)) & 1) != 0;
  }
  return false;
}

/** Whether four digits are the first ones of UnionPay's numbers: 62, 8100 to 8171. */
export function isUnionPay(first: u32): bool {
  return first - 6200 < 100 || first - 8100 < 72;
}
