// An idle filter on the SDK's own dispatcher: the cost of every stream before any stage acts.
export * from '@solo-io/proxy-runtime/assembly/proxy';
import { Context, registerRootContext, RootContext } from '@solo-io/proxy-runtime/assembly/runtime';

class IdleRoot extends RootContext {
  createContext(id: u32): Context {
    return new IdleContext(id, this);
  }
}

class IdleContext extends Context {}

registerRootContext((id: u32): RootContext => new IdleRoot(id), 'idle');

/** Stands in for the compiler's `abort`, which Envoy does not link. */
export function stop(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}
