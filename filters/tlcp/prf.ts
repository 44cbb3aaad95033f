// The pseudorandom function: P_hash of TLS 1.2 over HMAC-SM3 (GB/T 38636-2020, 5.2), and what is derived by it.
import { wipe } from '../crypto/constant-time';
import { Hmac } from '../crypto/hmac';
import { MASTER_BYTES, RANDOM_BYTES, VERIFY_BYTES } from './protocol';

const BLOCK_BYTES: u32 = 32;
const CHAIN: usize = memory.data(32, 16);
const BLOCK: usize = memory.data(32, 16);
const hmac: Hmac = Hmac.sm3();

const MASTER_SECRET: usize = memory.data<u8>([
  0x6d, 0x61, 0x73, 0x74, 0x65, 0x72, 0x20, 0x73, 0x65, 0x63, 0x72, 0x65, 0x74,
]);
const KEY_EXPANSION: usize = memory.data<u8>([
  0x6b, 0x65, 0x79, 0x20, 0x65, 0x78, 0x70, 0x61, 0x6e, 0x73, 0x69, 0x6f, 0x6e,
]);
const LABEL_BYTES: u32 = 13; // of both
const CLIENT_FINISHED: usize = memory.data<u8>([
  0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x20, 0x66, 0x69, 0x6e, 0x69, 0x73, 0x68, 0x65, 0x64,
]);
const SERVER_FINISHED: usize = memory.data<u8>([
  0x73, 0x65, 0x72, 0x76, 0x65, 0x72, 0x20, 0x66, 0x69, 0x6e, 0x69, 0x73, 0x68, 0x65, 0x64,
]);
const FINISHED_BYTES: u32 = 15;

/** Writes `length` bytes of PRF(secret, label, seed), where the seed is two pieces; the second may have no bytes. */
export function prf(
  secret: usize,
  secretLength: u32,
  label: usize,
  labelLength: u32,
  seed: usize,
  seedLength: u32,
  more: usize,
  moreLength: u32,
  out: usize,
  length: u32,
): void {
  hmac.setKey(secret, secretLength);
  let first = true;
  for (let done: u32 = 0; done < length; done += BLOCK_BYTES) {
    // A(1) = HMAC(label ‖ seed), A(i) = HMAC(A(i - 1)); each block is HMAC(A(i) ‖ label ‖ seed).
    if (!first) hmac.update(CHAIN, BLOCK_BYTES);
    else absorbSeed(label, labelLength, seed, seedLength, more, moreLength);
    hmac.digest(CHAIN);
    first = false;
    hmac.update(CHAIN, BLOCK_BYTES);
    absorbSeed(label, labelLength, seed, seedLength, more, moreLength);
    hmac.digest(BLOCK);
    memory.copy(out + done, BLOCK, min(BLOCK_BYTES, length - done));
  }
  wipe(CHAIN, BLOCK_BYTES);
  wipe(BLOCK, BLOCK_BYTES);
  hmac.wipe();
}

function absorbSeed(label: usize, labelLength: u32, seed: usize, seedLength: u32, more: usize, moreLength: u32): void {
  hmac.update(label, labelLength);
  hmac.update(seed, seedLength);
  hmac.update(more, moreLength);
}

/** master_secret, 48 bytes. */
export function deriveMaster(preMaster: usize, length: u32, client: usize, server: usize, out: usize): void {
  prf(preMaster, length, MASTER_SECRET, LABEL_BYTES, client, RANDOM_BYTES, server, RANDOM_BYTES, out, MASTER_BYTES);
}

/** key_block, `length` bytes. */
export function deriveKeyBlock(master: usize, client: usize, server: usize, out: usize, length: u32): void {
  prf(master, MASTER_BYTES, KEY_EXPANSION, LABEL_BYTES, server, RANDOM_BYTES, client, RANDOM_BYTES, out, length);
}

/** verify_data of a Finished, 12 bytes; `digest`: SM3 of the handshake messages before it. */
export function deriveVerify(master: usize, ofClient: bool, digest: usize, out: usize): void {
  const label = ofClient ? CLIENT_FINISHED : SERVER_FINISHED;
  prf(master, MASTER_BYTES, label, FINISHED_BYTES, digest, 32, 0, 0, out, VERIFY_BYTES);
}
