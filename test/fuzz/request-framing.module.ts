// Test module: where requests over national TLS end, with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { RequestFraming } from '../../filters/tlcp-listener/framing';
import { input } from './door.module';

export { room } from './door.module';

let framing: RequestFraming = new RequestFraming();

export function begin(): void {
  framing = new RequestFraming();
}
export function take(from: i32, to: i32): i32 {
  return framing.take(input + from, to - from);
}
export function skipped(): i32 {
  return framing.skipped;
}
export function refusal(): i32 {
  return framing.refusal;
}
export function isBetween(): bool {
  return framing.isBetween;
}
