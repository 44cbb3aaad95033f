// Stamp on a request that this module lets pass, even without a route. A native filter behind the module refuses
// requests without it, so that no failure of a module, a VM or a roll-out lets them pass.
import { Bytes } from '../memory/bytes';
import { Result, proxy_set_property } from './abi';
import { sealFailed } from './stats';
import { Stream } from './stream';

const LET_GO: Bytes = Bytes.from('1');

let path: Bytes = Bytes.EMPTY;

/**
 * Sets the stamp's name: filter state `wasm.fim.seal.MODULE`. No extraction can write it, because extraction names
 * contain no dots.
 */
export function nameSeal(module: string): void {
  path = Bytes.from('fim.seal.' + module);
}

/**
 * Stamps a request at the moment it passes, once. The stream is the host's current
 * context. If the host refuses, the filter behind refuses the request.
 */
export function stamp(stream: Stream): void {
  stream.sealed = true;
  if (proxy_set_property(path.pointer, path.length, LET_GO.pointer, LET_GO.length) != Result.Ok) sealFailed.add(1);
}
