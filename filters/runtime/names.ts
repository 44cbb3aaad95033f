// Header names and values that the runtime looks for, lower case.
import { Bytes } from '../memory/bytes';

export const AUTHORITY: Bytes = Bytes.from(':authority');
export const METHOD: Bytes = Bytes.from(':method');
export const PATH: Bytes = Bytes.from(':path');
export const ACCEPT_ENCODING: Bytes = Bytes.from('accept-encoding');
export const CONTENT_ENCODING: Bytes = Bytes.from('content-encoding');
export const CONTENT_LENGTH: Bytes = Bytes.from('content-length');
export const CONTENT_TYPE: Bytes = Bytes.from('content-type');
export const CONNECTION: Bytes = Bytes.from('connection');
export const STATUS: Bytes = Bytes.from(':status');
export const TRANSFER_ENCODING: Bytes = Bytes.from('transfer-encoding');
export const RANGE: Bytes = Bytes.from('range');
export const UPGRADE: Bytes = Bytes.from('upgrade');
export const CONNECT: Bytes = Bytes.from('CONNECT');
export const IDENTITY: Bytes = Bytes.from('identity');

export const TYPE_JSON: Bytes = Bytes.from('application/json');
export const TYPE_GRPC: Bytes = Bytes.from('application/grpc');
export const TYPE_EVENT_STREAM: Bytes = Bytes.from('text/event-stream');

/**
 * Headers that describe the exact bytes of a body (RFC 9530, RFC 9110 8.8.3, RFC 1864). They are wrong once it is
 * replaced.
 */
export const BODY_DIGESTS: StaticArray<Bytes> = [
  Bytes.from('etag'),
  Bytes.from('digest'),
  Bytes.from('content-digest'),
  Bytes.from('repr-digest'),
  Bytes.from('content-md5'),
];
