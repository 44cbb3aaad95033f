// Checks and forms of texts, and the errors of texts that violate them.
import { isCardNumber, isGb11643, isLuhn, isUscc } from '../message/checks';
import { ErrorId } from '../errors.gen';
import {
  isDate,
  isDateTime,
  isIsoDate,
  isIsoDateTime,
  isMonthDay,
  isMonthDayTime,
  isShortDate,
  isTime,
  isYearMonth,
} from './calendar';
import { PbocCheck } from './config.gen';
import { isAlphabetic, isAlphanumeric, isAmount, isHex, isIsoAmount, isNumeric, isPrintable } from './formats';
import { isBic, isCnapsBankCode, isCountry, isCurrency, isIban, isLei } from './identifiers';

/** Error of the text. ErrorId.None if it passes the check. */
export function breachOf(check: PbocCheck, text: usize, length: u32): ErrorId {
  return keeps(check, text, length) ? ErrorId.None : errorOf(check);
}

function keeps(check: PbocCheck, text: usize, length: u32): bool {
  switch (check) {
    case PbocCheck.None:
      return true;
    case PbocCheck.Luhn:
      return length >= 13 && length <= 19 && isLuhn(text, length);
    case PbocCheck.CardNumber:
      return isCardNumber(text, length);
    case PbocCheck.Gb11643:
      return isGb11643(text, length);
    case PbocCheck.Numeric:
      return isNumeric(text, length);
    case PbocCheck.Alphabetic:
      return isAlphabetic(text, length);
    case PbocCheck.Alphanumeric:
      return isAlphanumeric(text, length);
    case PbocCheck.Printable:
      return isPrintable(text, length);
    case PbocCheck.Hex:
      return isHex(text, length);
    case PbocCheck.Amount:
      return isAmount(text, length);
    case PbocCheck.IsoAmount:
      return isIsoAmount(text, length);
    case PbocCheck.Currency:
      return isCurrency(text, length);
    case PbocCheck.Country:
      return isCountry(text, length);
    case PbocCheck.Date:
      return isDate(text, length);
    case PbocCheck.ShortDate:
      return isShortDate(text, length);
    case PbocCheck.MonthDay:
      return isMonthDay(text, length);
    case PbocCheck.YearMonth:
      return isYearMonth(text, length);
    case PbocCheck.Time:
      return isTime(text, length);
    case PbocCheck.DateTime:
      return isDateTime(text, length);
    case PbocCheck.MonthDayTime:
      return isMonthDayTime(text, length);
    case PbocCheck.IsoDate:
      return isIsoDate(text, length);
    case PbocCheck.IsoDateTime:
      return isIsoDateTime(text, length);
    case PbocCheck.Uscc:
      return isUscc(text, length);
    case PbocCheck.CnapsBankCode:
      return isCnapsBankCode(text, length);
    case PbocCheck.Iban:
      return isIban(text, length);
    case PbocCheck.Bic:
      return isBic(text, length);
    case PbocCheck.Lei:
      return isLei(text, length);
  }
  return false;
}

function errorOf(check: PbocCheck): ErrorId {
  switch (check) {
    case PbocCheck.Luhn:
    case PbocCheck.CardNumber:
      return ErrorId.FIM_PBOC_0011;
    case PbocCheck.Gb11643:
      return ErrorId.FIM_PBOC_0012;
    case PbocCheck.Hex:
      return ErrorId.FIM_PBOC_0016;
    case PbocCheck.Amount:
    case PbocCheck.IsoAmount:
      return ErrorId.FIM_PBOC_0014;
    case PbocCheck.Currency:
      return ErrorId.FIM_PBOC_0015;
    case PbocCheck.Country:
      return ErrorId.FIM_PBOC_0028;
    case PbocCheck.Uscc:
      return ErrorId.FIM_PBOC_0023;
    case PbocCheck.CnapsBankCode:
      return ErrorId.FIM_PBOC_0024;
    case PbocCheck.Iban:
      return ErrorId.FIM_PBOC_0025;
    case PbocCheck.Bic:
      return ErrorId.FIM_PBOC_0026;
    case PbocCheck.Lei:
      return ErrorId.FIM_PBOC_0027;
    case PbocCheck.Numeric:
    case PbocCheck.Alphabetic:
    case PbocCheck.Alphanumeric:
    case PbocCheck.Printable:
      return ErrorId.FIM_PBOC_0018;
  }
  return ErrorId.FIM_PBOC_0013;
}
