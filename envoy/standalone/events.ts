import type { Condition, Policy, Problem } from './policy.ts';
import type { Figures } from '../release/index.ts';
import type { CanaryReport } from './canary-keeper.ts';
import type { TlcpNews } from './tlcp-plan.ts';

/** Events, in the form that `fim up --json` prints, one object a line. */
export type StackEvent =
  /** Addresses. `listen` and `admin` are HOST:PORT, `upstream` and `kms` are URLs, `door` and `control` are paths of sockets. */
  | {
      event: 'ready';
      listen: string;
      admin: string;
      upstream: string;
      kms: string;
      envoy: string;
      pid: number;
      door: string | null;
      control: string | null;
    }
  /** The routes are in force in every worker. `tookMs`: time since the file changed. */
  | {
      event: 'applied';
      routes: string[];
      tookMs: number;
      generation: number;
      modules: Record<string, string>;
      conditions: Condition[];
      inherited: Policy['inherited'];
      notices: Problem[];
      /** National TLS of the listener. Null: it speaks HTTP. */
      tlcp: TlcpNews | null;
    }
  /** A file, a module or a configuration was refused. The previous one stays in force. */
  | { event: 'rejected'; file: string; errors: Problem[] }
  /** Something fails now and will be tried again. */
  /** `key`: id of the unavailable key, if one is the cause. */
  | { event: 'warning'; code: string; message: string; key?: string }
  /** The canary of a route has begun, gone on or ended. Shares in percent; rates are shares of 1. */
  | ({ event: 'canary'; canary?: Figures; stable?: Figures } & Omit<CanaryReport, 'verdict' | 'shadow'>)
  /** The breaker of a route has turned, or was set by hand. `requests`, `faults`: answers in its window. */
  | {
      event: 'breaker';
      route: string;
      state: string;
      before: string;
      set: 'No' | 'Command' | 'Resource';
      requests?: number;
      faults?: number;
    }
  /** The KMS has another version of a key that routes use without naming one. */
  | { event: 'rotated'; key: string; version: number; before: number }
  /** The collector of this process takes records into a folder. `developmentKey`: of the folder itself, for trying. */
  | { event: 'audit'; folder: string; origin: string; developmentKey: boolean; size: number }
  /** A key has become available, or the service of global limits answers again. */
  | { event: 'recovered'; key: string; service?: undefined }
  | { event: 'recovered'; key?: undefined; service: string };

export type OnEvent = (event: StackEvent) => void;
