// The question of a request to a limit that all Envoys share. The stage sets headers, and Envoy's own rate-limit filter
// behind it sends them to the service as one descriptor; clients' copies are stripped before.
import { Sm3 } from '../crypto/sm3';
import { HASH_BYTES } from '../crypto/hash';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Exchange } from '../runtime/exchange';
import { Claim } from './claim';

/** Bytes of the digest that name a key; in hexadecimal twice as many characters. */
const KEY_BYTES: u32 = 16;

const hash: Sm3 = new Sm3();
const text: Writer = new Writer(scratch);

/** Begins the name of a key that all Envoys have for it. */
export function beginFleetKey(): void {
  hash.reset();
}

/** Adds one part of the key. Two parts never equal one. */
export function addFleetPart(pointer: usize, length: u32): void {
  const size = scratch.allocate(4);
  if (size == 0) return;
  store<u32>(size, length);
  hash.update(size, 4);
  hash.update(pointer, length);
}

/** Address of the KEY_BYTES that name the key; 0 if there is no room. */
export function endFleetKey(): usize {
  const out = scratch.allocate(HASH_BYTES);
  if (out != 0) hash.digest(out);
  return out;
}

/** Asks for what `claim` has got from the ceiling. False if there is no room for the question. */
export function askFleet(exchange: Exchange, claim: Claim): bool {
  const fleet = claim.limit.fleet;
  if (fleet == null || claim.cost == 0) return true;
  const key = claim.fleetKey;
  if (key == 0) return false;
  set(exchange, fleet.id, claim.limit.id.pointer, claim.limit.id.length);
  const terms = claim.terms.fleet;
  set(exchange, fleet.terms, terms.pointer, terms.length);
  text.begin(KEY_BYTES * 2);
  text.hex(key, KEY_BYTES);
  if (text.overflowed) return false;
  set(exchange, fleet.key, text.pointer, text.length);
  text.begin(32);
  text.decimal(claim.cost);
  if (text.overflowed) return false;
  set(exchange, fleet.cost, text.pointer, text.length);
  return true;
}

function set(exchange: Exchange, name: Bytes, value: usize, length: u32): void {
  exchange.setHeader(name.pointer, name.length, value, length);
}
