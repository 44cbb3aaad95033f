// Host functions in groups. Arguments and results are signed 32-bit numbers, as WebAssembly passes them, and 64-bit
// ones are bigint.
import { Errno, Result } from '../abi.ts';
import type { Guest } from '../roles.ts';
import { WASI_WITHOUT_EFFECT } from '../signatures.ts';
import { bodyFunctions } from './bodies.ts';
import { calloutFunctions } from './callouts.ts';
import { headerFunctions } from './headers.ts';
import { sharedFunctions } from './shared.ts';
import { streamFunctions } from './streams.ts';
import { systemFunctions } from './system.ts';
import { wasiFunctions } from './wasi.ts';

type Functions = Record<string, (...args: never[]) => unknown>;

/** Functions that Envoy has and this host does not model: gRPC and queues. Their result is Unimplemented. */
const NOT_MODELLED = [
  'proxy_grpc_call',
  'proxy_grpc_stream',
  'proxy_grpc_cancel',
  'proxy_grpc_close',
  'proxy_grpc_send',
  'proxy_register_shared_queue',
  'proxy_resolve_shared_queue',
  'proxy_dequeue_shared_queue',
  'proxy_enqueue_shared_queue',
  'envoy_resolve_dns',
];

export function hostFunctions(instance: Guest): { env: Functions; wasi: Functions } {
  const absent = (names: string[], answer: number): Functions =>
    Object.fromEntries(names.map((name) => [name, () => answer]));
  return {
    env: {
      ...absent(NOT_MODELLED, Result.Unimplemented),
      ...headerFunctions(instance),
      ...bodyFunctions(instance),
      ...streamFunctions(instance),
      ...calloutFunctions(instance),
      ...sharedFunctions(instance),
      ...systemFunctions(instance),
    },
    wasi: { ...absent(Object.keys(WASI_WITHOUT_EFFECT), Errno.NoSystem), ...wasiFunctions(instance) },
  };
}
