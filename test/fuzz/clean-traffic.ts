// Traffic as financial systems write it, without anybody's data: orders, logs, traces, prices, checksums, prose.
import { randomUUID } from 'node:crypto';
import type { Random } from './guest.ts';

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join('');
}

function hex(random: Random, count: number): string {
  return Array.from({ length: count }, () => '0123456789abcdef'[random.below(16)]).join('');
}

function base64(random: Random, count: number): string {
  const bytes = Buffer.from(Array.from({ length: count }, () => random.below(256)));
  return bytes.toString(random.chance(50) ? 'base64' : 'base64url');
}

/** A random double in its shortest form; one that is no whole number. */
export function double(random: Random): string {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, random.below(2 ** 32));
  bits.setUint32(4, random.below(2 ** 32));
  const unit = random.below(2 ** 32) / 2 ** 32 + random.below(2 ** 21) / 2 ** 53;
  const sign = random.chance(50) ? 1 : -1;
  const text = String(random.chance(30) ? bits.getFloat64(0) : sign * unit * 10 ** random.below(17));
  return /[.e]/.test(text) || !Number.isFinite(Number(text)) ? text : `${text}.5`;
}

function time(random: Random): Date {
  return new Date(1_600_000_000_000 + random.below(2 ** 31) * 120);
}

const two = (value: number): string => String(value).padStart(2, '0');

function stamp(random: Random): string {
  const at = time(random);
  const day = `${at.getUTCFullYear()}${two(at.getUTCMonth() + 1)}${two(at.getUTCDate())}`;
  const clock = `${two(at.getUTCHours())}${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}`;
  return random.pick([
    () => at.toISOString(),
    () => day,
    () => day + clock,
    () => day + clock + digits(random, 3),
    () => `${day.slice(2)}${clock}`,
    () => String(at.getTime()),
    () => String(Math.floor(at.getTime() / 1000)),
    () => `${at.getTime()}${digits(random, 3)}`,
    () => `${at.toISOString().slice(0, 10)} ${at.toISOString().slice(11, 23)}`,
    () => `${at.toISOString().slice(0, 19)}.${digits(random, 9)}+08:00`,
  ])();
}

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.109 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.44(0x18002c2f) NetType/WIFI',
  'okhttp/4.12.0',
  'Apache-HttpClient/4.5.14 (Java/17.0.9)',
  'Edg/120.0.0.0',
];
const PROSE = [
  '您的申请已受理，预计三个工作日内完成审核。',
  '本产品七日年化收益率为2.1340%，万份收益0.5731元。',
  '交易成功，流水号见回单，如有疑问请联系客服。',
  'The order was accepted and will be settled on T+1.',
  '系统维护时间：2026-11-30 00:00 至 06:00，期间暂停服务。',
  '余额不足，差额 1,234,567.89 元。',
];
const FILES = ['icon@2x.png', 'logo@3x.jpg', 'main.3f2a1b.js', '@types/node@22.1.0', 'react@18.2.0'];

type Part = (random: Random) => unknown;

const PARTS: Record<string, Part> = {
  orderNo: (random) => `${stamp(random)}${digits(random, 8)}`.replaceAll(/[^0-9]/g, ''),
  txnId: (random) =>
    String(BigInt(1_300_000_000 + random.below(600_000_000)) * 1_000_000_000n + BigInt(random.below(1_000_000_000))),
  traceId: (random) => hex(random, 32),
  spanId: (random) => hex(random, 16),
  requestId: () => randomUUID(),
  sha256: (random) => hex(random, 64),
  etag: (random) => `W/"${hex(random, 10)}-${hex(random, 12)}"`,
  signature: (random) => base64(random, 64),
  amount: (random) => (random.below(10_000_000) / 100).toFixed(2),
  price: (random) => double(random),
  rate: (random) => Number(double(random)),
  ratio: (random) => random.below(2 ** 32) / 2 ** 32,
  quantity: (random) => random.below(1_000_000),
  createdAt: (random) => stamp(random),
  updatedAt: (random) => time(random).getTime(),
  version: (random) => `${random.below(20)}.${random.below(30)}.${random.below(400)}`,
  userAgent: (random) => random.pick(AGENTS),
  message: (random) => random.pick(PROSE),
  file: (random) => random.pick(FILES),
  status: (random) => random.pick(['SUCCESS', 'FAILED', 'PENDING']),
  code: (random) => random.pick(['FUND_0001', 'E40012', '000000', 'A00-1234', `P${digits(random, 5)}`]),
  productCode: (random) => digits(random, 6),
  branchNo: (random) => digits(random, 4),
  bankCode: (random) => `${random.pick(['102', '103', '104', '105'])}${digits(random, 9)}`,
  currency: () => 'CNY',
  batchNo: (random) => digits(random, 10),
  mac: (random) => Array.from({ length: 6 }, () => hex(random, 2)).join(':'),
  range: (random) => `${random.below(100)}-${random.below(1000)}`,
  dotted: (random) => Array.from({ length: 6 }, () => digits(random, 4)).join('-'),
  thousands: (random) => (random.below(2 ** 32) * 1000).toLocaleString('en-US'),
  path: (random) => `/api/v${random.below(4)}/funds/${digits(random, 6)}/orders?page=${random.below(50)}&size=20`,
  points: (random) => Array.from({ length: 8 }, () => random.below(10_000) / 100),
};

function line(random: Random): string {
  const names = Object.keys(PARTS);
  const record: Record<string, unknown> = {};
  for (let i = 0; i < 12; i++) {
    const name = random.pick(names);
    record[name] = PARTS[name]!(random);
  }
  if (random.chance(60)) return JSON.stringify(record);
  if (random.chance(30)) return JSON.stringify({ data: JSON.stringify(record) });
  if (random.chance(30))
    return new URLSearchParams(Object.entries(record).map(([name, value]) => [name, String(value)])).toString();
  if (random.chance(40)) return Object.values(record).join(',');
  return `${time(random).toISOString()} INFO [${hex(random, 8)}] ${Object.entries(record)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')}`;
}

/** At least `length` characters of it, by lines. */
export function cleanTraffic(random: Random, length: number): string {
  const lines: string[] = [];
  for (let size = 0; size < length; size += lines.at(-1)!.length + 1) lines.push(line(random));
  return lines.join('\n');
}
