// Request attributes in the byte form that guests get: text as it is, integers as 8 bytes little-endian, booleans as
// one byte.
import type { HeaderMap } from './header-map.ts';

export type PropertyValue = string | number | bigint | boolean | Uint8Array;

const DEFAULTS: Record<string, PropertyValue> = {
  'source.address': '203.0.113.7:40000',
  'source.port': 40000,
  'destination.address': '192.0.2.1:10000',
  'destination.port': 10000,
  'connection.mtls': false,
  'request.protocol': 'HTTP/1.1',
  connection_id: 1,
  'connection.id': 1,
};

const FROM_HEADERS: Record<string, string> = {
  'request.path': ':path',
  'request.host': ':authority',
  'request.method': ':method',
  'request.scheme': ':scheme',
  'request.useragent': 'user-agent',
  'request.referer': 'referer',
  'request.id': 'x-request-id',
};

export function propertyBytes(value: PropertyValue): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'boolean') return Buffer.from([Number(value)]);
  if (value instanceof Uint8Array) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

/** Attribute that follows from the request, or a default. Null if unknown. */
export function requestProperty(path: string, headers: HeaderMap | null): Uint8Array | null {
  const header = path.startsWith('request.headers.') ? path.slice('request.headers.'.length) : FROM_HEADERS[path];
  if (header !== undefined) {
    const value = headers?.get(header);
    return value === undefined ? null : Buffer.from(value, 'latin1');
  }
  if (path === 'request.url_path') return Buffer.from((headers?.get(':path') ?? '').split('?')[0]!, 'latin1');
  const value = DEFAULTS[path];
  return value === undefined ? null : propertyBytes(value);
}
