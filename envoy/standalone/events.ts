import type { Condition, Problem } from './policy.ts';

/** What happens, in the form that `fim up --json` prints, one object a line. */
export type StackEvent =
  /** Addresses: `listen` and `admin` as HOST:PORT, `upstream` and `kms` as URLs. */
  | { event: 'ready'; listen: string; admin: string; upstream: string; kms: string; envoy: string; pid: number }
  /** The routes are in force in every worker. `tookMs`: from the change of the file. */
  | {
      event: 'applied';
      routes: string[];
      tookMs: number;
      generation: number;
      modules: Record<string, string>;
      conditions: Condition[];
      notices: Problem[];
    }
  /** A file, a module or a configuration was refused; what was in force stays in force. */
  | { event: 'rejected'; file: string; errors: Problem[] }
  /** Something does not work now and will be tried again. */
  /** `key`: the id of the key that cannot be had, if that is it. */
  | { event: 'warning'; code: string; message: string; key?: string }
  /** A key that could not be had can be had. */
  | { event: 'recovered'; key: string };

export type OnEvent = (event: StackEvent) => void;
