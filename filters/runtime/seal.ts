// The stamp on a request that this module lets go on, also one that no route concerns: a native filter behind it
// refuses what bears none, so that no failure of a module, a VM or a roll-out opens the door.
import { Bytes } from '../memory/bytes';
import { Result, proxy_set_property } from './abi';
import { sealFailed } from './stats';
import { Stream } from './stream';

const LET_GO: Bytes = Bytes.from('1');

let path: Bytes = Bytes.EMPTY;

/**
 * Names the stamp: filter state `wasm.fim.seal.MODULE`, which no extraction can write, since their names hold no dots.
 */
export function nameSeal(module: string): void {
  path = Bytes.from('fim.seal.' + module);
}

/**
 * Stamps a request at the moment it goes on; what comes after the first call for a stream costs nothing. The stream is
 * the host's current context. If the host refuses, the filter behind refuses the request.
 */
export function stamp(stream: Stream): void {
  if (stream.sealed) return;
  stream.sealed = true;
  if (proxy_set_property(path.pointer, path.length, LET_GO.pointer, LET_GO.length) != Result.Ok) sealFailed.add(1);
}
