// Header names and values that the runtime looks for, lower case.
import { Bytes } from '../memory/bytes';

export const AUTHORITY: Bytes = Bytes.from(':authority');
export const METHOD: Bytes = Bytes.from(':method');
export const PATH: Bytes = Bytes.from(':path');
export const ACCEPT_ENCODING: Bytes = Bytes.from('accept-encoding');
export const CONTENT_ENCODING: Bytes = Bytes.from('content-encoding');
export const CONTENT_LENGTH: Bytes = Bytes.from('content-length');
export const CONTENT_TYPE: Bytes = Bytes.from('content-type');
export const UPGRADE: Bytes = Bytes.from('upgrade');
export const CONNECT: Bytes = Bytes.from('CONNECT');
export const IDENTITY: Bytes = Bytes.from('identity');

export const TYPE_GRPC: Bytes = Bytes.from('application/grpc');
export const TYPE_EVENT_STREAM: Bytes = Bytes.from('text/event-stream');
export const TYPE_JSON: Bytes = Bytes.from('application/json');
export const SUFFIX_JSON: Bytes = Bytes.from('+json');
