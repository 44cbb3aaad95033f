// A filter that does nothing, with the callbacks that any filter of HTTP messages has: what Envoy asks for a module.
import '../../filters/runtime/abort';

const enum Answer {
  Continue = 0,
}

export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}
export function proxy_on_context_create(contextId: u32, rootId: u32): void {}
export function proxy_on_vm_start(rootId: u32, size: u32): u32 {
  return 1;
}
export function proxy_on_configure(rootId: u32, size: u32): u32 {
  return 1;
}
export function proxy_on_request_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  return Answer.Continue;
}
export function proxy_on_request_body(contextId: u32, size: u32, endOfStream: u32): u32 {
  return Answer.Continue;
}
export function proxy_on_request_trailers(contextId: u32, count: u32): u32 {
  return Answer.Continue;
}
export function proxy_on_response_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  return Answer.Continue;
}
export function proxy_on_response_body(contextId: u32, size: u32, endOfStream: u32): u32 {
  return Answer.Continue;
}
export function proxy_on_response_trailers(contextId: u32, count: u32): u32 {
  return Answer.Continue;
}
export function proxy_on_delete(contextId: u32): void {}
