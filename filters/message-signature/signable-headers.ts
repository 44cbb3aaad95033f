// Headers that a signature can cover. Envoy writes some itself, before filters see requests or after they have seen
// responses, or takes them away: what was signed under their names is never what the other side sees.
import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';

const REWRITTEN: StaticArray<Bytes> = [
  Bytes.from('x-request-id'),
  Bytes.from('x-forwarded-for'),
  Bytes.from('x-forwarded-proto'),
  Bytes.from('x-forwarded-host'),
  Bytes.from('x-forwarded-port'),
  Bytes.from('x-forwarded-client-cert'),
  Bytes.from('connection'),
  Bytes.from('proxy-connection'),
  Bytes.from('keep-alive'),
  Bytes.from('upgrade'),
  Bytes.from('te'),
  Bytes.from('trailer'),
  Bytes.from('transfer-encoding'),
  Bytes.from('content-length'),
  Bytes.from('expect'),
  Bytes.from('via'),
  Bytes.from('server'),
];
const PREFIX: Bytes = Bytes.from('x-envoy-');

/** Whether the name is one of a header (lower-case letters, digits and `-`) that both sides see alike. */
export function isSignable(name: Bytes): bool {
  if (!isHeaderName(name)) return false;
  if (name.length > PREFIX.length && PREFIX.equals(name.pointer, PREFIX.length)) return false;
  for (let i = 0; i < REWRITTEN.length; i++) if (REWRITTEN[i].equals(name.pointer, name.length)) return false;
  return true;
}

function isHeaderName(name: Bytes): bool {
  if (name.length == 0) return false;
  for (let i: u32 = 0; i < name.length; i++) {
    const byte: u32 = load<u8>(name.pointer + i);
    if (byte - 97 >= 26 && byte - 48 >= 10 && byte != Ascii.Minus) return false;
  }
  return true;
}
