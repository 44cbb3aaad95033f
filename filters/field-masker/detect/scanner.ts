// Finds personal data in a text by what it looks like. One pass; linear; allocates nothing. The text may be of any
// format: escapes are read as what they stand for, and what is found is named by its place in the text as it is
// written.
import { Arena } from '../../memory/arena';
import { Ascii } from '../../memory/ascii';
import { BodyMap, MAPPED } from './body-map';
import { Candidates, BLOCK, LABELLED } from './candidates';
import { findCard, findIdCard, findOldId } from './cards';
import { DigitGroups, isWordPart } from './digit-groups';
import { Letters, findDocument, findHongKongId, findSocialCredit, isDocumentLength } from './documents';
import { Find, Why, bitOf } from './find';
import { Finding } from './finding';
import { House } from './house';
import { findEmail, findIpv4, findIpv6 } from './internet';
import { findJwt, findPem, findSecret } from './key-material';
import { findAddress, findName, valueAt } from './label-values';
import { labelBefore, mayFollowLabel, prepareLabels } from './labels';
import { findAbroad, findFixed, findMobile } from './phones';
import { findPlate, isDivision } from './plates';
import { DOCUMENTS, GROUPED } from './quick-look';
import { digitOf, hexOf, isLatin, unitAt, unitBefore, unitEnd } from './units';

const AT_SIGN: u32 = 64;
const WIDE_AT: u32 = 0xff20;
const WIDE_COLON: u32 = 0xff1a;

/** Iterates over what is found in a text, in ascending order. Reused for every text. */
export class Scanner {
  private readonly finding: Finding = new Finding();
  private readonly groups: DigitGroups = new DigitGroups();
  private readonly letters: Letters = new Letters();
  private readonly candidates: Candidates = new Candidates();
  /** Of the message that the texts are parts of, if one has been surveyed. */
  readonly map: BodyMap = new BodyMap();
  private mapped: bool = false;
  private text: usize = 0;
  private textEnd: usize = 0;
  private set: u32 = 0;
  private prepared: u32 = 0;
  private preparedHouse: House | null = null;
  private house: House | null = null;
  private name: usize = 0;
  private nameLength: u32 = 0;
  /** The block that is looked at, and its candidates that are left. */
  private block: usize = 0;
  private bits: u64 = 0;
  /** Candidates of the kinds, and of the house. */
  private known: u64 = 0;
  private own: u64 = 0;
  /** End of the last finding; nothing before it is looked at again. */
  private done: usize = 0;
  private skip: usize = 0;
  /** Meaning of the name of the whole text's field, and whether its value is still to be looked at. */
  private label: u32 = Find.Nothing;
  private fresh: bool = false;

  constructor() {
    prepareLabels();
    this.candidates.prepare(0, null);
  }

  get start(): usize {
    return this.finding.start;
  }

  get end(): usize {
    return this.finding.end;
  }

  /** Kind of what was found: a number of `MaskKind`, or from FIRST_HOUSE on that of a detector of the house. */
  get kind(): u32 {
    return this.finding.kind;
  }

  /** Bits of `Why`. */
  get why(): u32 {
    return this.finding.why;
  }

  /** Detectors of the house for the texts that follow. `name`: of the field whose value the next one is. */
  by(house: House | null, name: usize, nameLength: u32): void {
    this.house = house;
    this.name = name;
    this.nameLength = nameLength;
  }

  /**
   * Surveys a JSON message, for the kinds of `set` and the house: texts in it are then gone through more quickly. It
   * must stay unchanged until `forget`. False: no memory; nothing is lost but speed.
   */
  survey(house: House | null, set: u32, source: usize, length: u32, arena: Arena): bool {
    this.prepare(set, house);
    return this.map.begin(this.candidates, source, length, arena);
  }

  /** Forgets the message that was surveyed. */
  forget(): void {
    this.map.end();
  }

  /**
   * Begins with the text [`pointer`, `end`). `set`: the kinds to find, bit n for kind n. `label`: what the name of the
   * field means whose value the text is.
   */
  begin(pointer: usize, end: usize, set: u32, label: u32 = Find.Nothing): void {
    this.label = label;
    this.fresh = (set & LABELLED & bitOf(label)) != 0;
    this.text = pointer;
    this.textEnd = end;
    this.set = set;
    this.mapped = this.map.holds(pointer);
    this.block = pointer - (this.mapped ? MAPPED : BLOCK);
    this.bits = 0;
    this.done = pointer;
    this.skip = pointer;
    const house = this.house;
    if (house != null) house.begin(pointer, end, this.name, this.nameLength);
    this.prepare(set, house);
  }

  private prepare(set: u32, house: House | null): void {
    if (set == this.prepared && house == this.preparedHouse) return;
    this.candidates.prepare(set, house);
    this.prepared = set;
    this.preparedHouse = house;
  }

  /** Finds the next one. False at the end of the text. */
  next(): bool {
    const end = this.textEnd;
    if (this.fresh) {
      this.fresh = false;
      if (this.valueOf(this.label, valueAt(this.text, end))) return this.take();
    }
    while (true) {
      while (this.bits != 0) {
        const bit = this.bits & (0 - this.bits);
        const at = this.block + <usize>ctz(bit);
        this.bits ^= bit;
        if (at < this.skip) continue;
        if (((this.own & bit) != 0 && this.ofHouse(at)) || ((this.known & bit) != 0 && this.look(at)))
          return this.take();
      }
      if (!this.advance(end)) return false;
    }
  }

  /** Closes a finding, which is not looked at again. Always true. */
  private take(): bool {
    this.done = this.finding.end;
    this.skip = this.done;
    return true;
  }

  /** Goes on to the next block with candidates. False at the end of the text. */
  private advance(end: usize): bool {
    if (this.mapped) return this.advanceMapped(end);
    let at = this.block + BLOCK;
    if (at < this.skip) at = this.skip;
    const candidates = this.candidates;
    for (const begin = this.text; at < end; at += BLOCK) {
      const known = candidates.of(begin, at, end);
      const bits = known | candidates.own;
      if (bits == 0) continue;
      this.block = at;
      this.bits = bits;
      this.known = known;
      this.own = candidates.own;
      return true;
    }
    this.block = at;
    return false;
  }

  private advanceMapped(end: usize): bool {
    let at = this.block + MAPPED;
    if (at < this.skip) at = this.skip;
    const map = this.map;
    for (; at < end; at += MAPPED) {
      let bits = map.allAt(at);
      if (end - at < MAPPED) bits &= ((<u64>1) << (end - at)) - 1;
      if (bits == 0) continue;
      this.block = at;
      this.bits = bits;
      this.known = map.knownAt(at);
      this.own = map.ownAt(at);
      return true;
    }
    this.block = at;
    return false;
  }

  /** Whether something is found at a candidate. */
  private look(at: usize): bool {
    const byte = <u32>load<u8>(at);
    if (byte - 48 < 10) return this.number(at);
    if (byte == Ascii.Colon) return this.colon(at);
    if (byte == Ascii.Equals || byte == Ascii.Greater) return mayFollowLabel(this.text, at) && this.labelled(at + 1);
    if (byte == AT_SIGN) return findEmail(this.done, at, this.textEnd, this.finding);
    if (byte == Ascii.Minus) return this.dashes(at);
    if (byte == Ascii.LowerE) return this.token(at);
    if (byte - 65 < 26) return findPlate(this.done, at, this.textEnd, this.finding);
    return this.escaped(at) || (this.house != null && this.behindEscape(at));
  }

  /** Whether something of the house begins at a candidate. */
  private ofHouse(at: usize): bool {
    const house = this.house;
    return house != null && house.mayBegin(at, this.textEnd) && house.find(at, this.finding);
  }

  /** The same behind an escape whose last byte looks as if the word had begun there: `%20`. */
  private behindEscape(at: usize): bool {
    unitAt(at, this.textEnd);
    const behind = unitEnd();
    return behind > at + 1 && behind < this.textEnd && isWordPart(load<u8>(behind - 1)) && this.ofHouse(behind);
  }

  /** A character that is written in more than one byte. */
  private escaped(at: usize): bool {
    const end = this.textEnd;
    if (load<u8>(at) == Ascii.Backslash && !isUnicode(at, end)) return false;
    const point = unitAt(at, end);
    const behind = unitEnd();
    if (point < 0x80 && behind == at + 1) return false;
    this.skip = behind;
    if (digitOf(point) < 10) return digitOf(unitBefore(this.text, at)) > 9 && this.number(at);
    if ((point == AT_SIGN || point == WIDE_AT) && this.wants(Find.Email))
      return findEmail(this.done, at, end, this.finding);
    if (point == Ascii.Colon || point == WIDE_COLON || point == Ascii.Equals || point == Ascii.Greater) {
      if ((this.set & LABELLED) != 0 && mayFollowLabel(this.text, at) && this.labelled(behind)) return true;
    }
    if (isLatin(point) && this.wants(Find.LicencePlate) && findPlate(this.done, at, end, this.finding)) return true;
    if (behind >= end) return false;
    const next = <u32>load<u8>(behind);
    // Digits directly behind an escape that ends in a digit are no candidates by themselves.
    if (next - 48 < 10 && <u32>load<u8>(behind - 1) - 48 < 10) return this.number(behind);
    if (isDivision(point) && this.wants(Find.LicencePlate) && isLatin(unitAt(behind, end)))
      return findPlate(this.done, behind, end, this.finding);
    return false;
  }

  // @ts-ignore: decorator
  @inline
  private wants(kind: Find): bool {
    return (this.set & bitOf(kind)) != 0;
  }

  private colon(at: usize): bool {
    const begin = this.text;
    if (this.wants(Find.IpAddress) && at + 1 < this.textEnd) {
      const next = <u32>load<u8>(at + 1);
      const before = at > begin ? <u32>load<u8>(at - 1) : 0;
      if ((hexOf(next) < 16 || next == Ascii.Colon) && (hexOf(before) < 16 || next == Ascii.Colon)) {
        if (findIpv6(this.done, at, this.textEnd, this.finding)) return true;
      }
    }
    return (this.set & LABELLED) != 0 && mayFollowLabel(begin, at) && this.labelled(at + 1);
  }

  /** A value behind the separator that ends at `behind`, if a label stands before it. */
  private labelled(behind: usize): bool {
    const kind = labelBefore(this.text, behind);
    if (kind == Find.Nothing || (this.set & LABELLED & bitOf(kind)) == 0) return false;
    return this.valueOf(kind, valueAt(behind, this.textEnd));
  }

  private valueOf(kind: u32, value: usize): bool {
    if (kind == Find.Name) return findName(value, this.textEnd, this.finding);
    if (kind == Find.Address) return findAddress(value, this.textEnd, this.finding);
    return findSecret(value, this.textEnd, this.finding);
  }

  private dashes(at: usize): bool {
    if (at + 16 > this.textEnd || load<u32>(at) != 0x2d2d2d2d || load<u8>(at, 4) != Ascii.Minus) return false;
    return findPem(at, this.textEnd, this.finding);
  }

  private token(at: usize): bool {
    if (at + 3 > this.textEnd || load<u16>(at, 1) != 0x4a79) return false;
    return findJwt(this.text, at, this.textEnd, this.finding);
  }

  /** Whether something is found at the first digit of a number. */
  private number(at: usize): bool {
    const groups = this.groups;
    const finding = this.finding;
    if (!groups.read(this.text, at, this.textEnd) || digitOf(groups.left) < 10) return false;
    if (!this.judge(groups)) return false;
    if (!this.wants(Find.Email) || finding.kind == Find.Email) return true;
    // `13800138000@139.com` is an address.
    const next = unitAt(finding.end, this.textEnd);
    if (next != AT_SIGN && next != WIDE_AT) return true;
    const kind = finding.kind;
    const start = finding.start;
    const end = finding.end;
    const why = finding.why;
    return findEmail(this.done, end, this.textEnd, finding) || finding.set(kind, start, end, why);
  }

  private judge(groups: DigitGroups): bool {
    const set = this.set;
    const finding = this.finding;
    if (this.wants(Find.IpAddress) && findIpv4(groups, finding)) return true;
    if (groups.beginsNumber && (set & GROUPED) != 0 && groups.count >= 7) {
      if (this.wants(Find.IdCard) && findIdCard(groups, finding)) return true;
      if ((set & (bitOf(Find.BankCard) | bitOf(Find.UnionPayCard))) != 0 && findCard(groups, set, finding)) return true;
      if (this.wants(Find.IdCard) && findOldId(groups, finding)) return true;
      if (this.wants(Find.Phone) && findMobile(groups, finding)) return true;
      if (findAbroad(groups, set, finding)) return true;
      if (this.wants(Find.FixedPhone) && findFixed(groups, false, finding)) return true;
    }
    const first = unchecked(groups.upTo[0]);
    if (first < 6) return false;
    this.letters.read(groups);
    if (this.wants(Find.SocialCreditCode) && findSocialCredit(groups, this.letters, finding)) return true;
    if (this.wants(Find.HkMacaoPermit) && findHongKongId(groups, this.letters, finding)) return true;
    return this.announced(groups);
  }

  /** Looks for values that only a label tells from other numbers. */
  private announced(groups: DigitGroups): bool {
    const set = this.set;
    const mayBeDocument = (set & DOCUMENTS) != 0 && isDocumentLength(groups);
    const mayBePhone =
      this.wants(Find.FixedPhone) && this.letters.count == 0 && groups.count >= 7 && groups.beginsNumber;
    if (!mayBeDocument && !mayBePhone) return false;
    const start = this.letters.start;
    const label = isGap(this.text, start) ? this.label : labelBefore(this.text, start);
    if (label == Find.Nothing) return false;
    if (mayBePhone && (label == Find.FixedPhone || label == Find.Phone) && findFixed(groups, true, this.finding)) {
      this.finding.why |= Why.Label;
      return true;
    }
    return mayBeDocument && findDocument(groups, this.letters, label, set, this.finding);
  }
}

/** Whether a `u` stands behind backslashes. What other escapes stand for begins nothing. */
function isUnicode(at: usize, end: usize): bool {
  do at++;
  while (at < end && load<u8>(at) == Ascii.Backslash);
  return at < end && load<u8>(at) == Ascii.LowerU;
}

/** Whether nothing but quotes and blanks stands between two places. */
function isGap(from: usize, to: usize): bool {
  for (; from < to; from++) if (load<u8>(from) > 32 && load<u8>(from) != Ascii.Quote) return false;
  return true;
}
