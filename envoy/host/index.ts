// Public interface of the host. README.md explains it.
export { loadModule, LoadError } from './module.ts';
export type { LoadedModule, LoadFailure } from './module.ts';
export { createVm, Vm } from './vm.ts';
export type { Configured } from './vm.ts';
export type { LogEntry, VmOptions } from './vm-options.ts';
export { RootContext } from './root-context.ts';
export { HttpStream } from './http-stream.ts';
export type { Received, StreamOptions } from './http-stream.ts';
export { ClientConnection } from './client-connection.ts';
export type { ConnectionOptions } from './client-connection.ts';
export { Exchange, exchange, cut } from './exchange.ts';
export type {
  Chunks,
  ExchangeOptions,
  ExchangeRequest,
  ExchangeResponse,
  ExchangeResult,
  Upstream,
} from './exchange.ts';
export { HeaderMap } from './header-map.ts';
export type { HeaderInput, HeaderList } from './header-map.ts';
export type { HttpCall, HttpCallHandler, HttpCallOutcome } from './http-call.ts';
export { SharedData } from './shared-data.ts';
export type { PropertyValue } from './properties.ts';
export { labelledName } from './metric-name.ts';
export { Metrics } from './metrics.ts';
export { VirtualClock } from './virtual-clock.ts';
export { dryRun } from './dry-run.ts';
export type { ConfigurationError, DryRunResult } from './dry-run.ts';
