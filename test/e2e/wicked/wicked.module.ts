// A guest that fails in the way that its configuration names, and lets everything go on: what it answers for the checks
// and on the main thread is good, so that Envoy takes it; what it does on workers is not. The text is `mode/N`; N keeps
// the counts of one use apart from those of the next.
//   refuse-start, trap-start             on_vm_start answers 0, or traps
//   refuse-configure, trap-configure     on_configure answers 0, or traps
//   full                                 the VM takes all the memory that it may have, and traps in on_configure
//   trap-headers                         every request kills the VM
//   silent                               requests go on, and nobody has looked at them

// @ts-ignore: decorator
@external('env', 'proxy_get_buffer_bytes')
declare function proxy_get_buffer_bytes(type: u32, start: u32, length: u32, pointer: usize, size: usize): u32;
// @ts-ignore: decorator
@external('env', 'proxy_get_shared_data')
declare function proxy_get_shared_data(key: usize, keyLength: u32, pointer: usize, size: usize, cas: usize): u32;
// @ts-ignore: decorator
@external('env', 'proxy_set_shared_data')
declare function proxy_set_shared_data(key: usize, keyLength: u32, value: usize, valueLength: u32, cas: u32): u32;

const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;
/** The VM in which Envoy checks the code, and that of the main thread. */
const FIRST_VMS: u32 = 2;

const OUT: usize = memory.data(32, 8);
const TEXT: usize = memory.data(80, 8);
let length: u32 = 0;

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(contextId: u32, rootId: u32): void {}

export function proxy_on_vm_start(rootId: u32, size: u32): u32 {
  read(VM_CONFIGURATION, size);
  if (is('refuse-start') && onWorker(0)) return 0;
  if (is('trap-start') && onWorker(0)) unreachable();
  return 1;
}

export function proxy_on_configure(rootId: u32, size: u32): u32 {
  read(PLUGIN_CONFIGURATION, size);
  if (is('refuse-configure') && onWorker(1)) return 0;
  if (is('trap-configure') && onWorker(1)) unreachable();
  if (is('full') && onWorker(1)) {
    while (memory.grow(16) >= 0) {}
    unreachable();
  }
  return 1;
}

export function proxy_on_request_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  if (is('trap-headers')) unreachable();
  return 0;
}

/** Keeps the text of a configuration. */
function read(type: u32, size: u32): void {
  length = 0;
  if (size == 0 || size > 64 || proxy_get_buffer_bytes(type, 0, size, OUT, OUT + 4) != 0) return;
  length = size;
  memory.copy(TEXT, load<usize>(OUT), size);
}

/** Whether the text begins with `mode` and a slash. */
function is(mode: string): bool {
  const characters = <u32>mode.length;
  if (length <= characters || load<u8>(TEXT + characters) != 47) return false;
  for (let i: u32 = 0; i < characters; i++) if (load<u8>(TEXT + i) != <u8>mode.charCodeAt(i)) return false;
  return true;
}

/** Whether the initial VMs have already passed here. `place`: 0 start, 1 configuration. */
function onWorker(place: u8): bool {
  store<u8>(TEXT + length, place);
  let seen: u32 = 0;
  if (proxy_get_shared_data(TEXT, length + 1, OUT, OUT + 4, OUT + 8) == 0 && load<u32>(OUT, 4) == 4)
    seen = load<u32>(load<usize>(OUT));
  if (seen >= FIRST_VMS) return true;
  store<u32>(OUT, seen + 1, 16);
  proxy_set_shared_data(TEXT, length + 1, OUT + 16, 4, 0);
  return false;
}
