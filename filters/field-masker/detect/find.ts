/** Kinds that detection finds, by the numbers of `MaskKind`. */
export const enum Find {
  Nothing = 0,
  IdCard = 1,
  BankCard = 2,
  Phone = 3,
  Name = 4,
  Email = 5,
  Address = 6,
  UnionPayCard = 7,
  FixedPhone = 8,
  Passport = 9,
  HkMacaoPermit = 10,
  TaiwanPermit = 11,
  SocialCreditCode = 12,
  LicencePlate = 13,
  IpAddress = 14,
  KeyMaterial = 15,
}

/** Why something was found, as bits. */
export const enum Why {
  /** A check digit or character is right. */
  Check = 1,
  /** It begins with digits that an issuer has. */
  Issuer = 2,
  /** It begins with a division of China. */
  Region = 4,
  /** It holds a date. */
  Date = 8,
  /** A label stands before it. */
  Label = 16,
  /** It has the form of its kind. */
  Form = 32,
  /** It is written in groups. */
  Grouped = 64,
}

/** Bit of a kind in a set of kinds. */
// @ts-ignore: decorator
@inline
export function bitOf(kind: u32): u32 {
  return (<u32>1) << kind;
}
