// Formats of financial fields that a pattern cannot say, or says badly. Each takes the bytes of a text; none fails, none allocates.

/** ISO 4217 list one as published on 2026-01-01: alphabetic and numeric code, six characters each. */
const CURRENCIES: string =
  'AED784AFN971ALL008AMD051AOA973ARS032AUD036AWG533AZN944BAM977BBD052BDT050BHD048BIF108BMD060BND096BOB068BOV984BRL986BSD044BTN064' +
  'BWP072BYN933BZD084CAD124CDF976CHE947CHF756CHW948CLF990CLP152CNY156COP170COU970CRC188CUP192CVE132CZK203DJF262DKK208DOP214DZD012' +
  'EGP818ERN232ETB230EUR978FJD242FKP238GBP826GEL981GHS936GIP292GMD270GNF324GTQ320GYD328HKD344HNL340HTG332HUF348IDR360ILS376INR356' +
  'IQD368IRR364ISK352JMD388JOD400JPY392KES404KGS417KHR116KMF174KPW408KRW410KWD414KYD136KZT398LAK418LBP422LKR144LRD430LSL426LYD434' +
  'MAD504MDL498MGA969MKD807MMK104MNT496MOP446MRU929MUR480MVR462MWK454MXN484MXV979MYR458MZN943NAD516NGN566NIO558NOK578NPR524NZD554' +
  'OMR512PAB590PEN604PGK598PHP608PKR586PLN985PYG600QAR634RON946RSD941RUB643RWF646SAR682SBD090SCR690SDG938SEK752SGD702SHP654SLE925' +
  'SOS706SRD968SSP728STN930SVC222SYP760SZL748THB764TJS972TMT934TND788TOP776TRY949TTD780TWD901TZS834UAH980UGX800USD840USN997UYI940' +
  'UYU858UYW927UZS860VED926VES928VND704VUV548WST882XAD396XAF950XAG961XAU959XBA955XBB956XBC957XBD958XCD951XCG532XDR960XOF952XPD964' +
  'XPF953XPT962XSU994XTS963XUA965XXX999YER886ZAR710ZMW967ZWG924';
/** One bit for each of the 26^3 letter codes. */
const LETTER_CODES: usize = memory.data(2200);
/** One bit for each of the 1000 numeric codes. */
const NUMERIC_CODES: usize = memory.data(128);

function setBit(bits: usize, index: u32): void {
  store<u8>(bits + (index >> 3), load<u8>(bits + (index >> 3)) | <u8>(<u32>1 << (index & 7)));
}

function hasBit(bits: usize, index: u32): bool {
  return (load<u8>(bits + (index >> 3)) & <u8>(<u32>1 << (index & 7))) != 0;
}

for (let i = 0; i < CURRENCIES.length; i += 6) {
  setBit(LETTER_CODES, (CURRENCIES.charCodeAt(i) - 65) * 676 + (CURRENCIES.charCodeAt(i + 1) - 65) * 26 + (CURRENCIES.charCodeAt(i + 2) - 65));
  setBit(NUMERIC_CODES, (CURRENCIES.charCodeAt(i + 3) - 48) * 100 + (CURRENCIES.charCodeAt(i + 4) - 48) * 10 + (CURRENCIES.charCodeAt(i + 5) - 48));
}

/** Digits at the front of the range. */
export function leadingDigits(pointer: usize, length: u32): u32 {
  let count: u32 = 0;
  while (count < length && <u32>load<u8>(pointer + count) - 48 < 10) count++;
  return count;
}

/** Value of `count` (at most 9) bytes that are digits. */
function digits(pointer: usize, count: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < count; i++) value = value * 10 + (<u32>load<u8>(pointer + i) - 48);
  return value;
}

/** ISO 4217 code: three digits or three capital letters. */
export function isCurrency(pointer: usize, length: u32): bool {
  if (length != 3) return false;
  if (leadingDigits(pointer, 3) == 3) return hasBit(NUMERIC_CODES, digits(pointer, 3));
  const a = <u32>load<u8>(pointer) - 65;
  const b = <u32>load<u8>(pointer, 1) - 65;
  const c = <u32>load<u8>(pointer, 2) - 65;
  return a < 26 && b < 26 && c < 26 && hasBit(LETTER_CODES, a * 676 + b * 26 + c);
}

/** Amount without sign: 1 to 12 digits (minor units, ISO 8583 n12), or 1 to 13 digits, a point, 1 to 4 decimals (major units). */
export function isAmount(pointer: usize, length: u32): bool {
  const whole = leadingDigits(pointer, length);
  if (whole == length) return whole >= 1 && whole <= 12;
  if (whole < 1 || whole > 13 || load<u8>(pointer + whole) != 46) return false;
  const decimals = length - whole - 1;
  return decimals >= 1 && decimals <= 4 && leadingDigits(pointer + whole + 1, decimals) == decimals;
}

/** An even number, at least two, of hex digits in either case. */
export function isHex(pointer: usize, length: u32): bool {
  if (length == 0 || (length & 1) != 0) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte - 48 >= 10 && (byte | 32) - 97 >= 6) return false;
  }
  return true;
}

function daysOf(month: u32, year: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

function isDay(month: u32, day: u32, year: u32): bool {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(month, year);
}

function isClock(pointer: usize): bool {
  return digits(pointer, 2) < 24 && digits(pointer + 2, 2) < 60 && digits(pointer + 4, 2) < 60;
}

/** YYYYMMDD, a day of the Gregorian calendar, year 1 and later. */
export function isDate(pointer: usize, length: u32): bool {
  if (length != 8 || leadingDigits(pointer, 8) != 8) return false;
  const year = digits(pointer, 4);
  return year > 0 && isDay(digits(pointer + 4, 2), digits(pointer + 6, 2), year);
}

/** hhmmss, 000000 to 235959. */
export function isTime(pointer: usize, length: u32): bool {
  return length == 6 && leadingDigits(pointer, 6) == 6 && isClock(pointer);
}

/** YYYYMMDDhhmmss. */
export function isDateTime(pointer: usize, length: u32): bool {
  return length == 14 && isDate(pointer, 8) && isTime(pointer + 8, 6);
}

/** MMDDhhmmss (ISO 8583 DE 7); the year is not known, so 29 February passes. */
export function isMonthDayTime(pointer: usize, length: u32): bool {
  if (length != 10 || leadingDigits(pointer, 10) != 10) return false;
  return isDay(digits(pointer, 2), digits(pointer + 2, 2), 2000) && isClock(pointer + 4);
}

/** Decimal digits, at least one (n of ISO 8583). */
export function isNumeric(pointer: usize, length: u32): bool {
  return length > 0 && leadingDigits(pointer, length) == length;
}

/** ASCII letters and digits, at least one (an of ISO 8583). */
export function isAlphanumeric(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte - 48 >= 10 && (byte | 32) - 97 >= 26) return false;
  }
  return length > 0;
}

/** Printable ASCII, at least one (ans of ISO 8583). */
export function isPrintable(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (<u32>load<u8>(pointer + i) - 32 >= 95) return false;
  return length > 0;
}
