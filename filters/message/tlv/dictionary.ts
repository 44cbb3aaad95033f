// Data objects of EMV and PBOC: format and length by tag.
//
// Rows marked EMV follow EMV Book 3 Annex A (public). Rows marked PBOC are the project's interpretation of public
// descriptions of JR/T 0025 (PBOC 3.0), whose text was not available. Their lengths are the widest ones found, so that
// no valid card is refused. Tags from 9F50 on have other meanings in other schemes' kernels, whose cards the same
// terminals read. An object of length 0 has no value, whatever its tag.
import { hashBytes } from '../../memory/bytes';
import { Format } from './formats';

/** Tag, format, least and most bytes; in ascending order of tags. */
// prettier-ignore
const ROWS: StaticArray<u32> = [
  0x42, Format.Numeric, 3, 3, // Issuer Identification Number (EMV)
  0x4f, Format.Binary, 5, 16, // Application Identifier (card) (EMV)
  0x50, Format.Special, 1, 16, // Application Label (EMV)
  0x56, Format.Binary, 0, 76, // Track 1 Data (EMV)
  0x57, Format.Binary, 0, 19, // Track 2 Equivalent Data (EMV)
  0x5a, Format.Compressed, 1, 10, // Application Primary Account Number (EMV)
  0x61, Format.Template, 0, 252, // Application Template (EMV)
  0x6f, Format.Template, 0, 252, // File Control Information Template (EMV)
  0x70, Format.Template, 0, 252, // Record Template (EMV)
  0x71, Format.Template, 0, 252, // Issuer Script Template 1 (EMV)
  0x72, Format.Template, 0, 252, // Issuer Script Template 2 (EMV)
  0x73, Format.Template, 0, 252, // Directory Discretionary Template (EMV)
  0x77, Format.Template, 0, 252, // Response Message Template Format 2 (EMV)
  0x80, Format.Binary, 0, 252, // Response Message Template Format 1 (EMV)
  0x81, Format.Binary, 4, 4, // Amount, Authorised (Binary) (EMV)
  0x82, Format.Binary, 2, 2, // Application Interchange Profile (EMV)
  0x83, Format.Binary, 0, 252, // Command Template (EMV)
  0x84, Format.Binary, 5, 16, // Dedicated File Name (EMV)
  0x86, Format.Binary, 0, 261, // Issuer Script Command (EMV)
  0x87, Format.Binary, 1, 1, // Application Priority Indicator (EMV)
  0x88, Format.Binary, 1, 1, // Short File Identifier (EMV)
  0x89, Format.Special, 6, 6, // Authorisation Code (EMV)
  0x8a, Format.Alphanumeric, 2, 2, // Authorisation Response Code (EMV)
  0x8c, Format.Binary, 0, 252, // Card Risk Management DOL 1 (EMV)
  0x8d, Format.Binary, 0, 252, // Card Risk Management DOL 2 (EMV)
  0x8e, Format.Binary, 8, 252, // Cardholder Verification Method List (EMV)
  0x8f, Format.Binary, 1, 1, // CA Public Key Index (card) (EMV)
  0x90, Format.Binary, 0, 252, // Issuer Public Key Certificate (EMV)
  0x91, Format.Binary, 8, 16, // Issuer Authentication Data (EMV)
  0x92, Format.Binary, 0, 252, // Issuer Public Key Remainder (EMV)
  0x93, Format.Binary, 0, 252, // Signed Static Application Data (EMV)
  0x94, Format.Binary, 0, 252, // Application File Locator (EMV)
  0x95, Format.Binary, 5, 5, // Terminal Verification Results (EMV)
  0x97, Format.Binary, 0, 252, // Transaction Certificate DOL (EMV)
  0x98, Format.Binary, 20, 20, // Transaction Certificate Hash Value (EMV)
  0x99, Format.Binary, 0, 252, // Transaction PIN Data (EMV)
  0x9a, Format.Numeric, 3, 3, // Transaction Date (EMV)
  0x9b, Format.Binary, 2, 2, // Transaction Status Information (EMV)
  0x9c, Format.Numeric, 1, 1, // Transaction Type (EMV)
  0x9d, Format.Binary, 5, 16, // Directory Definition File Name (EMV)
  0xa5, Format.Template, 0, 252, // File Control Information Proprietary Template (EMV)
  0x5f20, Format.Special, 2, 26, // Cardholder Name (EMV)
  0x5f24, Format.Numeric, 3, 3, // Application Expiration Date (EMV)
  0x5f25, Format.Numeric, 3, 3, // Application Effective Date (EMV)
  0x5f28, Format.Numeric, 2, 2, // Issuer Country Code (EMV)
  0x5f2a, Format.Numeric, 2, 2, // Transaction Currency Code (EMV)
  0x5f2d, Format.Alphanumeric, 2, 8, // Language Preference (EMV)
  0x5f30, Format.Numeric, 2, 2, // Service Code (EMV)
  0x5f34, Format.Numeric, 1, 1, // PAN Sequence Number (EMV)
  0x5f36, Format.Numeric, 1, 1, // Transaction Currency Exponent (EMV)
  0x5f50, Format.Special, 0, 255, // Issuer URL (EMV)
  0x5f53, Format.Binary, 0, 34, // International Bank Account Number (EMV)
  0x5f54, Format.Binary, 8, 11, // Bank Identifier Code (EMV)
  0x5f55, Format.Alphabetic, 2, 2, // Issuer Country Code, alpha-2 (EMV)
  0x5f56, Format.Alphabetic, 3, 3, // Issuer Country Code, alpha-3 (EMV)
  0x5f57, Format.Numeric, 1, 1, // Account Type (EMV)
  0x9f01, Format.Numeric, 6, 6, // Acquirer Identifier (EMV)
  0x9f02, Format.Numeric, 6, 6, // Amount, Authorised (Numeric) (EMV)
  0x9f03, Format.Numeric, 6, 6, // Amount, Other (Numeric) (EMV)
  0x9f04, Format.Binary, 4, 4, // Amount, Other (Binary) (EMV)
  0x9f05, Format.Binary, 1, 32, // Application Discretionary Data (EMV)
  0x9f06, Format.Binary, 5, 16, // Application Identifier (terminal) (EMV)
  0x9f07, Format.Binary, 2, 2, // Application Usage Control (EMV)
  0x9f08, Format.Binary, 2, 2, // Application Version Number (card) (EMV)
  0x9f09, Format.Binary, 2, 2, // Application Version Number (terminal) (EMV)
  0x9f0b, Format.Special, 1, 45, // Cardholder Name Extended (EMV)
  0x9f0d, Format.Binary, 5, 5, // Issuer Action Code, Default (EMV)
  0x9f0e, Format.Binary, 5, 5, // Issuer Action Code, Denial (EMV)
  0x9f0f, Format.Binary, 5, 5, // Issuer Action Code, Online (EMV)
  0x9f10, Format.Binary, 0, 32, // Issuer Application Data (EMV)
  0x9f11, Format.Numeric, 1, 1, // Issuer Code Table Index (EMV)
  0x9f12, Format.Special, 1, 16, // Application Preferred Name (EMV)
  0x9f13, Format.Binary, 2, 2, // Last Online ATC Register (EMV)
  0x9f14, Format.Binary, 1, 1, // Lower Consecutive Offline Limit (EMV)
  0x9f15, Format.Numeric, 2, 2, // Merchant Category Code (EMV)
  0x9f16, Format.Special, 15, 15, // Merchant Identifier (EMV)
  0x9f17, Format.Binary, 1, 1, // PIN Try Counter (EMV)
  0x9f18, Format.Binary, 4, 4, // Issuer Script Identifier (EMV)
  0x9f1a, Format.Numeric, 2, 2, // Terminal Country Code (EMV)
  0x9f1b, Format.Binary, 4, 4, // Terminal Floor Limit (EMV)
  0x9f1c, Format.Special, 8, 8, // Terminal Identification (EMV)
  0x9f1d, Format.Binary, 1, 8, // Terminal Risk Management Data (EMV)
  0x9f1e, Format.Special, 8, 8, // Interface Device Serial Number (EMV)
  0x9f1f, Format.Special, 0, 252, // Track 1 Discretionary Data (EMV)
  0x9f20, Format.Compressed, 0, 252, // Track 2 Discretionary Data (EMV)
  0x9f21, Format.Numeric, 3, 3, // Transaction Time (EMV)
  0x9f22, Format.Binary, 1, 1, // CA Public Key Index (terminal) (EMV)
  0x9f23, Format.Binary, 1, 1, // Upper Consecutive Offline Limit (EMV)
  0x9f26, Format.Binary, 8, 8, // Application Cryptogram (EMV)
  0x9f27, Format.Binary, 1, 1, // Cryptogram Information Data (EMV)
  0x9f2d, Format.Binary, 0, 252, // ICC PIN Encipherment Public Key Certificate (EMV)
  0x9f2e, Format.Binary, 1, 3, // ICC PIN Encipherment Public Key Exponent (EMV)
  0x9f2f, Format.Binary, 0, 252, // ICC PIN Encipherment Public Key Remainder (EMV)
  0x9f32, Format.Binary, 1, 3, // Issuer Public Key Exponent (EMV)
  0x9f33, Format.Binary, 3, 3, // Terminal Capabilities (EMV)
  0x9f34, Format.Binary, 3, 3, // Cardholder Verification Method Results (EMV)
  0x9f35, Format.Numeric, 1, 1, // Terminal Type (EMV)
  0x9f36, Format.Binary, 2, 2, // Application Transaction Counter (EMV)
  0x9f37, Format.Binary, 4, 4, // Unpredictable Number (EMV)
  0x9f38, Format.Binary, 0, 252, // Processing Options DOL (EMV)
  0x9f39, Format.Numeric, 1, 1, // Point-of-Service Entry Mode (EMV)
  0x9f3a, Format.Binary, 4, 4, // Amount, Reference Currency (EMV)
  0x9f3b, Format.Numeric, 2, 8, // Application Reference Currency (EMV)
  0x9f3c, Format.Numeric, 2, 2, // Transaction Reference Currency Code (EMV)
  0x9f3d, Format.Numeric, 1, 1, // Transaction Reference Currency Exponent (EMV)
  0x9f40, Format.Binary, 5, 5, // Additional Terminal Capabilities (EMV)
  0x9f41, Format.Numeric, 2, 4, // Transaction Sequence Counter (EMV)
  0x9f42, Format.Numeric, 2, 2, // Application Currency Code (EMV)
  0x9f43, Format.Numeric, 1, 4, // Application Reference Currency Exponent (EMV)
  0x9f44, Format.Numeric, 1, 1, // Application Currency Exponent (EMV)
  0x9f45, Format.Binary, 2, 2, // Data Authentication Code (EMV)
  0x9f46, Format.Binary, 0, 252, // ICC Public Key Certificate (EMV)
  0x9f47, Format.Binary, 1, 3, // ICC Public Key Exponent (EMV)
  0x9f48, Format.Binary, 0, 252, // ICC Public Key Remainder (EMV)
  0x9f49, Format.Binary, 0, 252, // Dynamic Data Authentication DOL (EMV)
  0x9f4a, Format.Binary, 0, 252, // Static Data Authentication Tag List (EMV)
  0x9f4b, Format.Binary, 0, 252, // Signed Dynamic Application Data (EMV)
  0x9f4c, Format.Binary, 2, 8, // ICC Dynamic Number (EMV)
  0x9f4d, Format.Binary, 2, 2, // Log Entry (EMV)
  0x9f4e, Format.Special, 0, 252, // Merchant Name and Location (EMV)
  0x9f4f, Format.Binary, 0, 252, // Log Format (EMV)
  0x9f51, Format.Numeric, 2, 2, // Application Currency Code (card risk management) (PBOC)
  0x9f52, Format.Binary, 2, 6, // Application Default Action (PBOC)
  0x9f53, Format.Binary, 1, 1, // Consecutive Transaction Limit, International (PBOC)
  0x9f54, Format.Binary, 1, 160, // Cumulative Total Transaction Amount Limit (PBOC, 6); data storage card (kernel 2)
  0x9f56, Format.Binary, 1, 1, // Issuer Authentication Indicator (PBOC)
  0x9f57, Format.Numeric, 2, 2, // Issuer Country Code (card risk management) (PBOC)
  0x9f58, Format.Binary, 1, 1, // Lower Consecutive Offline Limit (card) (PBOC)
  0x9f59, Format.Binary, 1, 3, // Upper Consecutive Offline Limit (card) (PBOC, 1); terminal transaction information (Interac)
  0x9f5a, Format.Binary, 1, 16, // Application Program Identifier (PBOC)
  0x9f5c, Format.Binary, 1, 8, // Cumulative Total Transaction Amount Upper Limit (PBOC, 6); data storage operator (kernel 2)
  0x9f5d, Format.Binary, 1, 6, // Available Offline Spending Amount (PBOC, 6); application capabilities (kernel 2)
  0x9f61, Format.Special, 1, 40, // Cardholder Identity Number (PBOC)
  0x9f62, Format.Numeric, 1, 1, // Cardholder Identity Type (PBOC)
  0x9f63, Format.Binary, 1, 16, // Card Product Identification (PBOC, 16); bit map of kernel 2
  0x9f66, Format.Binary, 2, 4, // Terminal Transaction Qualifiers (PBOC)
  0x9f68, Format.Binary, 1, 252, // Card Additional Processes (PBOC, 4); verification methods of a magnetic stripe (kernel 2)
  0x9f69, Format.Binary, 1, 252, // Card Authentication Related Data (PBOC, 5 to 16); object list (kernel 2)
  0x9f6b, Format.Binary, 1, 19, // Card CVM Limit (PBOC, 6); track 2 (kernel 2)
  0x9f6c, Format.Binary, 2, 2, // Card Transaction Qualifiers (PBOC)
  0x9f6d, Format.Binary, 1, 6, // Electronic Cash Reset Threshold (PBOC, 6); version (kernel 2), capabilities (kernel 4)
  0x9f74, Format.Special, 6, 6, // Electronic Cash Issuer Authorisation Code (PBOC)
  0x9f77, Format.Numeric, 6, 6, // Electronic Cash Balance Limit (PBOC)
  0x9f78, Format.Numeric, 6, 6, // Electronic Cash Single Transaction Limit (PBOC)
  0x9f79, Format.Numeric, 6, 6, // Electronic Cash Balance (PBOC)
  0x9f7a, Format.Numeric, 1, 1, // Electronic Cash Terminal Support Indicator (PBOC)
  0x9f7b, Format.Numeric, 6, 6, // Electronic Cash Terminal Transaction Limit (PBOC)
  0xbf0c, Format.Template, 0, 222, // File Control Information Issuer Discretionary Data (EMV)
  0xdf31, Format.Binary, 1, 252, // Issuer Script Result (PBOC, five bytes a script)
  0xdf69, Format.Numeric, 1, 1, // SM Algorithm Support Indicator (PBOC)
];
const COLUMNS: i32 = 4;
/** Numeric values with an odd number of digits: the first nibble is zero and not part of the text. */
const ODD_DIGITS: StaticArray<u32> = [0x5f28, 0x5f2a, 0x5f30, 0x9f1a, 0x9f3c, 0x9f42, 0x9f51, 0x9f57];
/** Tags whose values are data object lists: CDOL1, CDOL2, TDOL, PDOL, DDOL, log format. */
const OBJECT_LISTS: StaticArray<u32> = [0x8c, 0x8d, 0x97, 0x9f38, 0x9f49, 0x9f4f];

/**
 * One entry, 24 bytes: name of the tag (digits, then zeros), its hash, smallest and largest length, format, digits of
 * the name, flags.
 */
const ENTRY_BYTES: u32 = 24;
const NAME: usize = 0;
const NAME_HASH: usize = 8;
const LEAST: usize = 12;
const MOST: usize = 14;
const FORMAT: usize = 16;
const NAME_LENGTH: usize = 17;
const IS_ODD: usize = 18;
const IS_LIST: usize = 19;
const LAST_ENTRY: u32 = 255;
const ENTRIES: usize = memory.data(6144, 16);
/** Entry by tag: 256 one-byte tags, then 128 each that begin with 5F, 9F, BF and DF. 0: none. */
const BY_TAG: usize = memory.data(256 + 4 * 128);
let filled: bool = false;

/** Address of a tag's entry number. 0 for tags outside the tables. */
// @ts-ignore: decorator
@inline
function place(tag: u32): usize {
  if (tag < 0x100) return BY_TAG + tag;
  const first = tag >> 8;
  if ((tag & 0x80) != 0 || (first & 0x1f) != 0x1f || first < 0x5f || first > 0xdf || first == 0x7f) return 0;
  // 5F, 9F, BF, DF become 0 to 3.
  return BY_TAG + 256 + (first == 0x5f ? 0 : ((first >> 5) - 3) << 7) + (tag & 0x7f);
}

/** Fills the tables on first use. */
function fill(): void {
  filled = true;
  const count = <u32>(ROWS.length / COLUMNS);
  for (let i: u32 = 1; i <= count && i <= LAST_ENTRY; i++) {
    const row = (i - 1) * <u32>COLUMNS;
    const tag = ROWS[row];
    const entry = ENTRIES + i * ENTRY_BYTES;
    const length = writeTag(tag, entry + NAME);
    store<u32>(entry, hashBytes(entry + NAME, length), NAME_HASH);
    store<u16>(entry, <u16>ROWS[row + 2], LEAST);
    store<u16>(entry, <u16>ROWS[row + 3], MOST);
    store<u8>(entry, <u8>ROWS[row + 1], FORMAT);
    store<u8>(entry, <u8>length, NAME_LENGTH);
    store<u8>(entry, <u8>ODD_DIGITS.includes(tag), IS_ODD);
    store<u8>(entry, <u8>OBJECT_LISTS.includes(tag), IS_LIST);
    const at = place(tag);
    if (at != 0) store<u8>(at, <u8>i);
  }
}

/** Writes two digits for each byte of a tag, and zeros up to eight bytes. Returns the number of digits. */
export function writeTag(tag: u32, to: usize): u32 {
  const bytes: u32 = tag > 0xffffff ? 4 : tag > 0xffff ? 3 : tag > 0xff ? 2 : 1;
  store<u64>(to, 0);
  for (let i: u32 = 0; i < bytes * 2; i++) {
    const nibble = (tag >> ((bytes * 2 - 1 - i) * 4)) & 15;
    store<u8>(to + i, <u8>(nibble < 10 ? 48 + nibble : 55 + nibble));
  }
  return bytes * 2;
}

/** Dictionary entry of a tag: `find`, then the entry's members. */
export class TagDictionary {
  private entry: usize = 0;

  constructor() {
    if (!filled) fill();
  }

  /** Looks the tag up. False if it is not in the dictionary. */
  // @ts-ignore: decorator
  @inline
  find(tag: u32): bool {
    const at = tag < 0x10000 ? place(tag) : 0;
    const number = at == 0 ? 0 : <u32>load<u8>(at);
    this.entry = ENTRIES + number * ENTRY_BYTES;
    return number != 0;
  }

  /** Address of the tag's digits, eight bytes with trailing zeros. Constant for each tag. */
  get name(): usize {
    return this.entry + NAME;
  }

  get nameLength(): u32 {
    return load<u8>(this.entry, NAME_LENGTH);
  }

  /** `hashBytes` of the name. */
  get nameHash(): u32 {
    return load<u32>(this.entry, NAME_HASH);
  }

  get format(): Format {
    return <Format>load<u8>(this.entry, FORMAT);
  }

  /** Bytes of the value. */
  get least(): u32 {
    return load<u16>(this.entry, LEAST);
  }

  get most(): u32 {
    return load<u16>(this.entry, MOST);
  }

  /** Whether the number of digits is odd. The first nibble is then zero. */
  get isOdd(): bool {
    return load<u8>(this.entry, IS_ODD) != 0;
  }

  /** Whether the value is a data object list. */
  get isList(): bool {
    return load<u8>(this.entry, IS_LIST) != 0;
  }
}
