// The module of national TLS in a machine that dies when an answer of the upstream says so.
import { proxy_on_upstream_data as passOn } from '../../filters/tlcp-listener/index';
import { scratch } from '../../filters/memory/scratch';
import { BufferType } from '../../filters/runtime/abi';
import { readBuffer, resultLength, resultPointer } from '../../filters/runtime/host';

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_delete,
  proxy_on_downstream_data,
  proxy_on_http_call_response,
  proxy_on_memory_allocate,
  proxy_on_new_connection,
  proxy_on_request_headers,
  proxy_on_request_trailers,
  proxy_on_tick,
  proxy_on_vm_start,
} from '../../filters/tlcp-listener/index';

const WORD: usize = memory.data<u8>([68, 73, 69, 33]); // DIE!

export function proxy_on_upstream_data(contextId: u32, length: u32, endOfStream: u32): u32 {
  if (readBuffer(BufferType.UpstreamData, length)) {
    const data = resultPointer();
    for (let i: u32 = 0; i + 4 <= resultLength(); i++) if (memory.compare(data + i, WORD, 4) == 0) unreachable();
  }
  scratch.reset();
  return passOn(contextId, length, endOfStream);
}
