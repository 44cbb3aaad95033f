// The same operations as a subject inside Envoy: a plugin that runs when it is configured and logs its figures. Inputs
// as in operations.ts.
import { AesGcm } from '../../filters/crypto/aes-gcm';
import { Ctr } from '../../filters/crypto/counter';
import { selfTest } from '../../filters/crypto/self-test';
import { Sha256 } from '../../filters/crypto/sha256';
import { Sm3 } from '../../filters/crypto/sm3';
import { Sm4Cbc } from '../../filters/crypto/sm4-cbc';
import { Sm4Counter } from '../../filters/crypto/sm4-ctr';
import { Sm4Gcm } from '../../filters/crypto/sm4-gcm';
import { abort } from '../../filters/runtime/abort';

export { abort };


@external('env', 'proxy_log')
declare function proxyLog(level: u32, text: usize, length: u32): u32;


@external('env', 'proxy_get_current_time_nanoseconds')
declare function proxyTime(out: usize): u32;

const LEVEL_CRITICAL: u32 = 5;
const NAMES: StaticArray<string> = [
  'sm4-ctr',
  'sm4-cbc-encrypt',
  'sm4-cbc-decrypt',
  'sm4-gcm',
  'aes-256-gcm',
  'sm3',
  'sha256',
  'sm4-gcm-key',
];
const SIZES: StaticArray<u32> = [256, 1024, 16384];
const SLICES: u32 = 60;
const SLICE_NANOSECONDS: u64 = 1_000_000;

const KEY: usize = memory.data(32, 16);
const IV: usize = memory.data(16, 16);
const INPUT: usize = memory.data(16400, 16);
const OUTPUT: usize = memory.data(16400, 16);
const DIGEST: usize = memory.data(32, 16);
const CLOCK: usize = memory.data(8, 8);

const counter = new Sm4Counter();
const ctr = new Ctr(counter);
const cbc = new Sm4Cbc();
const sm4 = new Sm4Gcm();
const aes = new AesGcm();
const sm3 = new Sm3();
const sha256 = new Sha256();

export function malloc(bytes: usize): usize {
  return heap.alloc(bytes);
}
export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_context_create(id: u32, parent: u32): void {}
export function proxy_on_vm_start(id: u32, bytes: u32): u32 {
  return 1;
}

/** Measures everything; Envoy waits. */
export function proxy_on_configure(id: u32, bytes: u32): u32 {
  for (let i: u32 = 0; i < 32; i++) store<u8>(KEY + i, <u8>i);
  for (let i: u32 = 0; i < 16; i++) store<u8>(IV + i, <u8>(16 + i));
  counter.setKey(KEY);
  cbc.setKey(KEY);
  sm4.setKey(KEY);
  aes.setKey(KEY, 32);
  if (!selfTest()) return 0;
  for (let operation: u32 = 0; operation < 8; operation++) {
    for (let i: u32 = 0; i < 3; i++) {
      if (operation == 7 && i > 0) break;
      measure(operation, operation == 7 ? 0 : SIZES[i]);
    }
  }
  log('done');
  return 1;
}

function measure(operation: u32, size: u32): void {
  fill(operation, size);
  const length = run(operation, size);
  sha256.hash(OUTPUT, length, DIGEST);
  let hex = '';
  for (let i: u32 = 0; i < 32; i++) hex += (<u32>load<u8>(DIGEST + i) + 256).toString(16).substring(1);
  let count: u32 = 1;
  let best: f64 = Infinity;
  for (let slice: u32 = 0; slice < SLICES;) {
    const start = now();
    for (let i: u32 = 0; i < count; i++) run(operation, size);
    const took = now() - start;
    if (took < SLICE_NANOSECONDS) {
      count *= 2;
      continue;
    }
    best = min(best, <f64>took / <f64>count);
    slice++;
  }
  log(`${NAMES[operation]} ${size} ${best} ${hex}`);
}

function fill(operation: u32, size: u32): void {
  for (let i: u32 = 0; i < size; i++) store<u8>(INPUT + i, <u8>(7 * i + 3));
  if (operation == 2) cbc.encrypt(IV, INPUT, size, INPUT);
}

/** Processes one message. Returns the length of the output to compare. */
function run(operation: u32, size: u32): u32 {
  switch (operation) {
    case 0: {
      ctr.begin(IV);
      ctr.update(INPUT, OUTPUT, size);
      return size;
    }
    case 1: {
      cbc.encrypt(IV, INPUT, size, OUTPUT);
      return size;
    }
    case 2:
      return <u32>cbc.decrypt(IV, INPUT, size + 16, OUTPUT);
    case 3: {
      sm4.encrypt(IV, 12, IV, 0, INPUT, OUTPUT, size, OUTPUT + size);
      return size + 16;
    }
    case 4: {
      aes.encrypt(IV, 12, IV, 0, INPUT, OUTPUT, size, OUTPUT + size);
      return size + 16;
    }
    case 5: {
      sm3.hash(INPUT, size, OUTPUT);
      return 32;
    }
    case 6: {
      sha256.hash(INPUT, size, OUTPUT);
      return 32;
    }
    default: {
      sm4.setKey(KEY);
      return 0;
    }
  }
}

function now(): u64 {
  proxyTime(CLOCK);
  return load<u64>(CLOCK);
}

function log(text: string): void {
  const line = String.UTF8.encode(`fim-bench ${text}`);
  proxyLog(LEVEL_CRITICAL, changetype<usize>(line), line.byteLength);
}
