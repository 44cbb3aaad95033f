// Regular expressions with which others look for the same kinds.

/** Patterns of Presidio 2.2.366 for cards, e-mail and IP addresses (its checks run on what they match). */
export const PRESIDIO: readonly [kind: string, pattern: string][] = [
  [
    'BankCard',
    String.raw`\b(?!1\d{12}(?!\d))((4\d{3})|(5[0-5]\d{2})|(6\d{3})|(1\d{3})|(3\d{3}))[- ]?(\d{3,4})[- ]?(\d{3,4})[- ]?(\d{3,5})\b`,
  ],
  [
    'Email',
    String.raw`\b((([!#$%&'*+\-\/=?^_\x60{|}~\w])|([!#$%&'*+\-\/=?^_\x60{|}~\w][!#$%&'*+\-\/=?^_\x60{|}~\.\w]{0,}[!#$%&'*+\-\/=?^_\x60{|}~\w]))[@]\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)+)\b`,
  ],
  [
    'IpAddress',
    String.raw`\b(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)(?:\/(?:[0-2]?\d|3[0-2]))?\b`,
  ],
];

/** Patterns that are commonly copied for China's data; linear ones, without looking around. */
export const PLAIN: readonly [kind: string, pattern: string][] = [
  ['IdCard', String.raw`[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]`],
  ['BankCard', String.raw`[1-9]\d{12,18}`],
  ['Phone', String.raw`1[3-9]\d{9}`],
  ['FixedPhone', String.raw`0\d{2,3}-?\d{7,8}`],
  ['Email', String.raw`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`],
  ['Passport', String.raw`[EGDSPHM]\d{8}`],
  ['SocialCreditCode', String.raw`[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}`],
  ['LicencePlate', String.raw`[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][A-Z0-9]{5,6}`],
  ['IpAddress', String.raw`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`],
  ['KeyMaterial', String.raw`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----`],
];
