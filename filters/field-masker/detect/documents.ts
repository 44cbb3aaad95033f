// Numbers with letters: passports and permits next to a label, Hong Kong's identity cards, social credit codes.
import { isRegion, isUscc } from '../../message/checks';
import { Ascii } from '../../memory/ascii';
import { DigitGroups, isWordPart } from './digit-groups';
import { Find, Why, bitOf } from './find';
import { Finding } from './finding';
import { isPoint, narrow, unitAt, unitBefore, unitEnd, unitStart } from './units';

const USCC_LENGTH: u32 = 18;
/** Digits behind the letters of a passport or permit. */
const MIN_DIGITS: u32 = 6;
const MAX_DIGITS: u32 = 10;

const code: StaticArray<u8> = new StaticArray<u8>(<i32>USCC_LENGTH);

/** Letters directly before the digits: at most two, in capitals. */
export class Letters {
  count: u32 = 0;
  first: u32 = 0;
  second: u32 = 0;
  /** Address of the first letter, or of the first digit. */
  start: usize = 0;
  /** Whether a word goes on in front of them. */
  inWord: bool = false;

  read(groups: DigitGroups): void {
    this.count = 0;
    this.first = 0;
    this.second = 0;
    this.start = groups.startOf(0);
    let point = capital(groups.left);
    while (point - 65 < 26 && this.count < 2) {
      this.second = this.first;
      this.first = point;
      this.count++;
      unitBefore(groups.begin, this.start);
      this.start = unitStart();
      point = capital(unitBefore(groups.begin, this.start));
    }
    this.inWord = isWordPart(point);
  }
}

function capital(point: u32): u32 {
  const ascii = narrow(point);
  return ascii - Ascii.LowerA < 26 ? ascii - 32 : ascii;
}

/** Finds a social credit code whose first group of digits is the first one: it may begin with one letter. */
export function findSocialCredit(groups: DigitGroups, letters: Letters, finding: Finding): bool {
  if (letters.inWord || letters.count > 1 || unchecked(groups.upTo[0]) < 7) return false;
  if (
    letters.count == 1 &&
    letters.first != Ascii.LowerA - 32 &&
    letters.first != Ascii.UpperN &&
    letters.first != Ascii.UpperY
  )
    return false;
  if (letters.count == 0 && isPoint(groups.left)) return false;
  let at = letters.start;
  for (let i: u32 = 0; i < USCC_LENGTH; i++) {
    const point = at < groups.end ? capital(unitAt(at, groups.end)) : 0;
    if (point - 48 >= 10 && point - 65 >= 26) return false;
    unchecked((code[i] = <u8>point));
    at = unitEnd();
  }
  if (at < groups.end && isWordPart(unitAt(at, groups.end))) return false;
  if (!isUscc(changetype<usize>(code), USCC_LENGTH) || !isRegistered(changetype<usize>(code))) return false;
  return finding.set(Find.SocialCreditCode, letters.start, at, Why.Check | Why.Region);
}

/** Registering departments and kinds of entities that are in use (GB 32100, annex): the first two characters. */
const ENTITIES: usize = memory.data<u8>([
  49, 49, 49, 50, 49, 51, 49, 57, 50, 49, 50, 57, 51, 49, 51, 50, 51, 51, 51, 52, 51, 53, 51, 57, 52, 49, 52, 57, 53,
  49, 53, 50, 53, 51, 53, 57, 54, 49, 54, 50, 54, 57, 55, 49, 55, 50, 55, 57, 56, 49, 56, 57, 57, 49, 57, 50, 57, 51,
  65, 49, 65, 57, 78, 49, 78, 50, 78, 51, 78, 57, 89, 49,
]);
const ENTITY_COUNT: u32 = 36;

/** Whether a code begins with an entity, and with a division of China or 10: registered with the state itself. */
function isRegistered(text: usize): bool {
  if (!isRegion(text + 2) && load<u16>(text, 2) != 0x3031) return false;
  const first = load<u16>(text);
  for (let i: u32 = 0; i < ENTITY_COUNT; i++) if (load<u16>(ENTITIES + ((<usize>i) << 1)) == first) return true;
  return false;
}

/**
 * Finds a number of a Hong Kong identity card, as it is printed: one or two letters, six digits, and the check character
 * in brackets.
 */
export function findHongKongId(groups: DigitGroups, letters: Letters, finding: Finding): bool {
  if (letters.count == 0 || letters.inWord || unchecked(groups.upTo[0]) != 6) return false;
  let at = groups.endOf(5);
  if (narrow(unitAt(at, groups.end)) != Ascii.OpenParenthesis) return false;
  const check = capital(unitAt(unitEnd(), groups.end));
  const value = check - 48 < 10 ? check - 48 : check == 65 ? 10 : 11;
  at = unitEnd();
  if (value > 10 || narrow(unitAt(at, groups.end)) != Ascii.CloseParenthesis) return false;
  at = unitEnd();
  let sum =
    letters.count == 2 ? (letters.first - 55) * 9 + (letters.second - 55) * 8 : 36 * 9 + (letters.first - 55) * 8;
  for (let i: u32 = 0; i < 6; i++) sum += groups.digit(i) * (7 - i);
  if ((sum + value) % 11 != 0) return false;
  return finding.set(Find.HkMacaoPermit, letters.start, at, Why.Check);
}

/** Whether the first group may be the digits of a passport or permit. */
export function isDocumentLength(groups: DigitGroups): bool {
  const count = unchecked(groups.upTo[0]);
  return count >= MIN_DIGITS && count <= MAX_DIGITS;
}

/** Finds a passport or permit that the `label` before it names (`Find`; IdCard: any document), by its form. */
export function findDocument(groups: DigitGroups, letters: Letters, label: u32, set: u32, finding: Finding): bool {
  const count = unchecked(groups.upTo[0]);
  let end = groups.endOf(count - 1);
  let kind: u32 = Find.Nothing;
  if (label == Find.TaiwanPermit || label == Find.HkMacaoPermit) kind = label;
  else if (label == Find.Passport || (label == Find.IdCard && letters.count > 0))
    kind = anyDocument(letters, count, label);
  if (kind == Find.Nothing || letters.inWord || !hasForm(kind, letters, count)) return false;
  // The old permits for residents of Taiwan end in a letter, also in brackets.
  if (kind == Find.TaiwanPermit && count == 10 && capital(unitAt(end, groups.end)) - 65 < 26) end = unitEnd();
  if ((set & bitOf(kind)) == 0 || !groups.endsNumber(end)) return false;
  return finding.set(kind, letters.start, end, Why.Label | Why.Form);
}

/** Kind of a document by its letters, where the label does not say more. */
function anyDocument(letters: Letters, count: u32, label: u32): u32 {
  if (label == Find.Passport) return Find.Passport;
  const first = letters.first;
  if (
    letters.count == 1 &&
    (first == Ascii.UpperH || first == Ascii.UpperM || first == Ascii.UpperC || first == Ascii.UpperW)
  )
    return Find.HkMacaoPermit;
  if (letters.count == 1 && (first == Ascii.UpperT || first == Ascii.UpperL) && count == 8) return Find.TaiwanPermit;
  return Find.Passport;
}

function hasForm(kind: u32, letters: Letters, count: u32): bool {
  // H and M with 8 or 10 digits for residents of Hong Kong and Macao; C and W with 8, or a letter and 7, for others
  if (kind == Find.HkMacaoPermit)
    return (
      letters.count > 0 && (count == 8 || (count == 10 && letters.count == 1) || (count == 7 && letters.count == 2))
    );
  if (kind == Find.TaiwanPermit) return letters.count == 0 ? count == 8 || count == 10 : count == 8 || count == 7;
  return letters.count == 0 ? count == 8 || count == 9 : count <= 9;
}
