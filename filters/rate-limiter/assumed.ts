// Facts that no header says of a request that is only asked about. Requests that are served assume nothing.
import { RateLimitKeySource } from './config.gen';

/** Whether anything is assumed at all. */
export let assuming: bool = false;

class Assumed {
  pointer: usize = 0;
  length: u32 = 0;
}

const address: Assumed = new Assumed();
const claim: Assumed = new Assumed();
const certificate: Assumed = new Assumed();

let found: Assumed = address;

/** From now on, until `assumeNothing`, keys are made for a request that was never sent. */
export function beginAssuming(): void {
  assuming = true;
  address.length = 0;
  claim.length = 0;
  certificate.length = 0;
}

export function assumeNothing(): void {
  assuming = false;
}

/** `pointer`: in memory that stays until `assumeNothing`. */
export function assume(source: RateLimitKeySource, pointer: usize, length: u32): void {
  const one = assumedOf(source);
  one.pointer = pointer;
  one.length = length;
}

/** Whether a value is assumed; it is at `assumedPointer` and `assumedLength`. */
export function isAssumed(source: RateLimitKeySource): bool {
  found = assumedOf(source);
  return found.length != 0;
}

export function assumedPointer(): usize {
  return found.pointer;
}

export function assumedLength(): u32 {
  return found.length;
}

function assumedOf(source: RateLimitKeySource): Assumed {
  if (source == RateLimitKeySource.Claim) return claim;
  return source == RateLimitKeySource.ClientCertificate ? certificate : address;
}
