import { randomBytes } from 'node:crypto';

/** A UUIDv7 (RFC 9562 section 5.7) of a time in milliseconds. */
export function uuidV7(ms: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** RFC 3339 in UTC with nine digits of a second; the clock of Node counts milliseconds. */
export function recordTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000000Z');
}

/** Id of a source of records, new at each start. */
export function newSourceId(): string {
  return randomBytes(16).toString('hex');
}
