// All stages in a machine that dies when a request says so.
import { proxy_on_request_headers as passOn } from '../../filters/fim/index';
import { Bytes } from '../../filters/memory/bytes';
import { scratch } from '../../filters/memory/scratch';
import { HeaderMap } from '../../filters/runtime/abi';
import { readHeader } from '../../filters/runtime/host';

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_delete,
  proxy_on_http_call_response,
  proxy_on_memory_allocate,
  proxy_on_request_body,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_response_trailers,
  proxy_on_tick,
  proxy_on_vm_start,
} from '../../filters/fim/index';

const WORD: Bytes = Bytes.from('x-die');

export function proxy_on_request_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  if (readHeader(HeaderMap.RequestHeaders, WORD.pointer, WORD.length)) unreachable();
  scratch.reset();
  return passOn(contextId, count, endOfStream);
}
