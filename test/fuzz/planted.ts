// Personal data that is planted: made-up values whose truth is known, written as people, printers and programs write
// them. Written apart from the detectors: checks and forms are from the standards' texts.
import type { Random } from './guest.ts';

/** A planted value: its kind, and the text before it, itself, and behind it. */
export interface Planted {
  kind: string;
  before: string;
  text: string;
  after: string;
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join('');
}

/** The digits with a check digit behind them (ISO/IEC 7812-1 annex B). */
export function withLuhn(body: string): string {
  let sum = 0;
  [...body].reverse().forEach((digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return body + ((10 - (sum % 10)) % 10);
}

/** The last one begins like cards of 15 digits. */
const REGIONS = ['110105', '310101', '440305', '330106', '510104', '420106', '610113', '320102', '350203', '370202'];

function birthday(random: Random, century: boolean): string {
  const year = century ? String(1930 + random.below(90)) : String(10 + random.below(89));
  return year + String(1 + random.below(12)).padStart(2, '0') + String(1 + random.below(28)).padStart(2, '0');
}

/** A resident identity number (GB 11643): ISO 7064 MOD 11-2. */
export function idNumber(random: Random): string {
  const body = random.pick(REGIONS) + birthday(random, true) + digits(random, 3);
  let sum = 0;
  [...body].forEach((digit, i) => (sum += Number(digit) * (2 ** (17 - i) % 11)));
  return body + '10X98765432'[sum % 11];
}

const ISSUERS: readonly [string, number][] = [
  ['622202', 19],
  ['621700', 19],
  ['622848', 19],
  ['622588', 16],
  ['625912', 16],
  ['6200', 18],
  ['4', 16],
  ['4', 13],
  ['4367', 19],
  ['51', 16],
  ['55', 16],
  ['2221', 16],
  ['34', 15],
  ['37', 15],
  ['36', 14],
  ['3530', 16],
  ['6011', 16],
  ['955880', 19],
  ['8105', 16],
  ['601382', 19],
];

/** A number of a bank card, with a check digit. */
export function cardNumber(random: Random): string {
  const [prefix, length] = random.pick(ISSUERS);
  return withLuhn(prefix + digits(random, length - 1 - prefix.length));
}

function mobileNumber(random: Random): string {
  const block = random.pick([
    '130',
    '135',
    '138',
    '139',
    '147',
    '150',
    '159',
    '166',
    '176',
    '177',
    '180',
    '188',
    '191',
    '199',
  ]);
  return block + digits(random, 8);
}

/** A unified social credit code (GB 32100). */
function creditCode(random: Random): string {
  const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
  const any = (): string => alphabet[random.below(31)]!;
  const body = random.pick(['91', '92', '12', '51']) + random.pick(REGIONS) + Array.from({ length: 9 }, any).join('');
  let sum = 0;
  [...body].forEach((char, i) => (sum += alphabet.indexOf(char) * (3 ** i % 31)));
  return body + alphabet[(31 - (sum % 31)) % 31];
}

const SPACES = [' ', '  ', '\u00a0', '\u2002', '\u2009', '\u3000', '\u202f'];
const DASHES = ['-', '\u2010', '\u2011', '\u2013', '\u2014', '\u2212', '\uff0d', ' - '];

function grouped(text: string, sizes: readonly number[], separator: string): string {
  const parts: string[] = [];
  let at = 0;
  for (const size of sizes) {
    parts.push(text.slice(at, at + size));
    at += size;
  }
  return parts.join(separator);
}

function fours(length: number): number[] {
  return Array.from({ length: Math.ceil(length / 4) }, (_, i) => Math.min(4, length - i * 4));
}

/** One line break instead of one of the separators. */
function broken(random: Random, text: string, separator: string): string {
  const parts = text.split(separator);
  const at = 1 + random.below(parts.length - 1);
  const line = random.pick(['\n', '\r\n', '\n    ']);
  return parts.slice(0, at).join(separator) + line + parts.slice(at).join(separator);
}

function printedCard(random: Random): string {
  const text = cardNumber(random);
  const separator = random.pick([...SPACES, ...DASHES, '.']);
  if (random.chance(30)) return text;
  const isSix = text.length <= 15 && text.length >= 14 && text.startsWith('3');
  const isUnionPay = /^62|^81/.test(text) && text.length >= 16;
  if (isUnionPay && separator !== '.' && random.chance(30)) return grouped(text, [6, text.length - 6], separator);
  const printed = grouped(text, isSix ? [4, 6, text.length - 10] : fours(text.length), separator);
  return !isSix && separator !== '.' && random.chance(15) ? broken(random, printed, separator) : printed;
}

function printedId(random: Random): string {
  const text = idNumber(random);
  if (random.chance(10)) return text.toLowerCase();
  if (random.chance(50)) return text;
  return grouped(
    text,
    random.pick([
      [6, 8, 4],
      [6, 4, 4, 4],
      [3, 3, 4, 4, 4],
    ]),
    random.pick([...SPACES, ...DASHES]),
  );
}

function printedMobile(random: Random): string {
  const text = mobileNumber(random);
  return random.chance(50)
    ? text
    : grouped(
        text,
        random.pick([
          [3, 4, 4],
          [4, 4, 3],
        ]),
        random.pick([...SPACES, ...DASHES]),
      );
}

const SURNAMES = '王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗'.split('');
const GIVEN = '伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华'.split('');
const LATIN = ['Zhang San', 'LI SI', 'Wang Xiaoming', 'John Smith', 'Chen, Wei', "O'Brien Liam"];
const STREETS = ['建国路', '中山北路', '人民大街', '解放西路', '学院南路'];
const CITIES = ['北京市朝阳区', '上海市浦东新区', '广东省深圳市南山区', '浙江省杭州市西湖区'];

function hanName(random: Random): string {
  if (random.chance(5)) return '买买提·艾力';
  return random.pick(SURNAMES) + random.pick(GIVEN) + (random.chance(50) ? random.pick(GIVEN) : '');
}

const PEM =
  '-----BEGIN RSA PRIVATE KEY-----\\nMIIEowIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7\\n-----END RSA PRIVATE KEY-----';

function base64url(random: Random, length: number): string {
  return Array.from(
    { length },
    () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'[random.below(64)],
  ).join('');
}

type Maker = (random: Random) => { text: string; label?: string };

const MAKERS: Record<string, Maker> = {
  IdCard: (random) =>
    random.chance(20)
      ? {
          text:
            random.pick(REGIONS.slice(0, 9)) + birthday(random, false) + String(1 + random.below(999)).padStart(3, '0'),
        }
      : { text: printedId(random) },
  BankCard: (random) => ({ text: printedCard(random) }),
  Phone: (random) => ({ text: printedMobile(random) }),
  FixedPhone: (random) => {
    const area = random.pick(['010', '021', '0755', '0571', '028', '0898']);
    const local = String(2 + random.below(7)) + digits(random, area.length === 3 || random.chance(70) ? 7 : 6);
    const tail = random.chance(20) ? `-${100 + random.below(900)}` : '';
    return { text: `${area}${random.pick(['-', ' ', '－', '\u00a0'])}${local}${tail}` };
  },
  Email: (random) => ({
    text: `${random.pick(['zhang', 'li.si', 'wang_xm', 'a+b', '13800138000', 'x9'])}${random.below(100)}@${random.pick(['example.com', 'mail.example.com.cn', 'qq.com', '163.com', 'x-y.org'])}`,
  }),
  Passport: (random) => ({
    text: random.chance(50)
      ? random.pick(['E', 'G', 'D', 'S', 'P']) + digits(random, 8)
      : `E${random.pick(['A', 'B', 'K'])}${digits(random, 7)}`,
    label: random.pick(['passportNo', '护照', '护照号码', 'passport_no']),
  }),
  HkMacaoPermit: (random) => ({
    text: random.pick(['H', 'M']) + digits(random, random.chance(50) ? 8 : 10),
    label: random.pick(['港澳通行证', '回乡证', 'hkMacaoPermit', '回乡证号']),
  }),
  TaiwanPermit: (random) => ({ text: digits(random, 8), label: random.pick(['台胞证', 'taiwanPermit', '台胞证号']) }),
  SocialCreditCode: (random) => ({ text: creditCode(random) }),
  LicencePlate: (random) => ({
    text: `${random.pick(['京', '沪', '粤', '浙', '川'])}${random.pick(['A', 'B', 'C', 'E'])}${random.pick(['', '·', ' ', '-'])}${random.pick([digits(random, 5), `D${digits(random, 5)}`, `${digits(random, 5)}F`, `Q${digits(random, 4)}`, `${digits(random, 3)}KM`])}`,
  }),
  IpAddress: (random) => ({
    text: random.chance(70)
      ? [1 + random.below(120), random.below(256), random.below(256), 1 + random.below(254)].join('.')
      : random.pick([
          '2001:db8:85a3::8a2e:370:7334',
          '2408:8000:1010:1::6',
          'fe80::1ff:fe23:4567:890a',
          '2001:db8:1:2:3:4:5:6',
        ]),
  }),
  Name: (random) => {
    const isLatin = random.chance(30);
    return {
      text: isLatin ? random.pick(LATIN) : hanName(random),
      label: random.pick(['姓名', 'custName', '持卡人', 'real_name', '客户姓名', 'payeeName']),
    };
  },
  Address: (random) => ({
    text: random.chance(20)
      ? `${1 + random.below(99)} Jianguo Road, Beijing`
      : `${random.pick(CITIES)}${random.pick(STREETS)}${1 + random.below(200)}号${random.chance(50) ? `${1 + random.below(20)}号楼${101 + random.below(800)}室` : ''}`,
    label: random.pick(['地址', 'address', '联系地址', 'home_address']),
  }),
  KeyMaterial: (random) =>
    random.chance(30)
      ? { text: PEM }
      : random.chance(50)
        ? { text: `eyJ${base64url(random, 20)}.eyJ${base64url(random, 40)}.${base64url(random, 43)}` }
        : {
            text: base64url(random, 32),
            label: random.pick(['accessToken', 'api_key', 'clientSecret', 'refresh_token']),
          },
};

/** Kinds that are planted. */
export const PLANTED_KINDS = Object.keys(MAKERS);

/** Ways to write a text. */
export const ENCODINGS = [
  'plain',
  'wide',
  'json',
  'jsonTwice',
  'percent',
  'percentAll',
  'percentTwice',
  'entity',
  'hexEntity',
] as const;
type Encoding = (typeof ENCODINGS)[number];

/** Kinds whose characters programs do not escape one by one, or that are written in ASCII only. */
const PLAIN_ONLY = new Set(['KeyMaterial', 'IpAddress']);

function unicode(text: string, slashes: string): string {
  return [...text].map((char) => `${slashes}u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}

function percentAll(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/** The text as an encoding writes it. Some characters stay as they are: `random` says which. */
function encode(text: string, encoding: Encoding, random: Random): string {
  const some = (how: (char: string) => string): string =>
    [...text].map((char) => (random.chance(70) ? how(char) : char)).join('');
  switch (encoding) {
    case 'plain':
      return text;
    case 'wide':
      return text.replaceAll(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
    case 'json':
      return some((char) => unicode(char, '\\'));
    case 'jsonTwice':
      return some((char) => unicode(char, '\\\\'));
    case 'percent':
      return encodeURIComponent(text);
    case 'percentAll':
      return percentAll(text);
    case 'percentTwice':
      return encodeURIComponent(percentAll(text));
    case 'entity':
      return some((char) => `&#${char.charCodeAt(0)};`);
    case 'hexEntity':
      return some((char) => `&#x${char.charCodeAt(0).toString(16)};`);
  }
}

const SURROUNDINGS: readonly [string, string][] = [
  ['', ''],
  ['{"remark":"', '","n":1}'],
  ['您好，', '，请核对。'],
  ['a=1&b=', '&c=2'],
  ['<v>', '</v>'],
  ['2026-11-30 09:30:15.123 INFO [x-1] value=', ' done in 12 ms'],
  ['{\\"v\\":\\"', '\\"}'],
  ['(', ')'],
  ['x,"', '",y\n'],
  ['[1, "', '", 2]'],
];
const LABELLED: readonly [(label: string) => string, string][] = [
  [(label) => `{"${label}":"`, '","n":1}'],
  [(label) => `{"a":1, "${label}" : "`, '"}'],
  [(label) => `${label}=`, '&b=1'],
  [(label) => `<${label}>`, `</x>`],
  [(label) => `{\\"${label}\\":\\"`, '\\"}'],
  [(label) => `${label}：`, '；其他'],
  [(label) => `x, ${label}: `, '\n'],
];

/** Plants one value. */
export function plant(random: Random, kind: string, encoding: Encoding): Planted {
  const { text, label } = MAKERS[kind]!(random);
  const how = PLAIN_ONLY.has(kind) ? 'plain' : encoding;
  const written = encode(text, how, random);
  if (label === undefined) {
    const [before, after] = random.pick(SURROUNDINGS);
    return { kind, before, text: written, after };
  }
  const [before, after] = random.pick(LABELLED);
  return { kind, before: before(label), text: written, after };
}
