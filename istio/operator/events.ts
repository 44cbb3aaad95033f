// Kubernetes Events about routes. `kubectl describe` shows what changed.
import { randomUUID } from 'node:crypto';
import { EVENT_WINDOW_MS, EVENTS_OF_A_KIND, MAX_WAITING_EVENTS } from '../limits.ts';
import type { KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { EVENTS } from './kube/resources.ts';
import type { Condition } from './plan/status.ts';

const COMPONENT = 'fim-operator';
/** Longest text of an event, characters. The API server takes 1,024. */
const MESSAGE_CHARACTERS = 1000;

/** Whether someone must act on the condition. */
function isWarning({ type, status, reason }: Condition): boolean {
  if (type === 'PartiallyConflicted' || type === 'Warnings') return true;
  return status === 'False' && reason !== 'Pending';
}

/** Whether the condition says more than a passing state. */
function isWorthTelling({ type, status, reason }: Condition): boolean {
  // These two summarise other conditions.
  if (type === 'Ready' || type === 'Stalled') return false;
  if (type === 'Accepted' || type === 'ResolvedRefs') return status === 'False';
  return reason !== 'Pending' && status !== 'Unknown';
}

interface Lately {
  told: number;
  last: { about: KubeObject; condition: Condition } | undefined;
  timer: NodeJS.Timeout;
}

export class EventSink {
  private readonly api: KubeApi;
  private readonly waiting: KubeObject[] = [];
  private sending: Promise<void> | undefined;
  private readonly onFailure: (message: string) => void;
  /** Events sent lately, by namespace, type and reason. */
  private readonly lately = new Map<string, Lately>();
  /** Events dropped because the queue was full. */
  dropped = 0;

  constructor(api: KubeApi, onFailure: (message: string) => void) {
    this.api = api;
    this.onFailure = onFailure;
  }

  /** Sends an event about a changed condition. A failure to send loses the event and has no other effect. */
  tell(about: KubeObject, condition: Condition): void {
    if (!isWorthTelling(condition)) return;
    const key = `${about.metadata.namespace} ${condition.type} ${condition.status} ${condition.reason}`;
    const lately = this.lately.get(key) ?? this.begin(key);
    lately.told++;
    if (lately.told > EVENTS_OF_A_KIND) {
      lately.last = { about, condition };
      return;
    }
    this.put(about, condition);
  }

  /** Groups similar events: the first few routes get one each, and a single event covers the rest. */
  private begin(key: string): Lately {
    const lately: Lately = { told: 0, last: undefined, timer: setTimeout(() => this.end(key), EVENT_WINDOW_MS) };
    lately.timer.unref();
    this.lately.set(key, lately);
    return lately;
  }

  private end(key: string): void {
    const lately = this.lately.get(key);
    this.lately.delete(key);
    clearTimeout(lately?.timer);
    if (lately?.last === undefined) return;
    const { about, condition } = lately.last;
    const others = lately.told - EVENTS_OF_A_KIND - 1;
    this.put(
      about,
      others === 0
        ? condition
        : { ...condition, message: `The same of ${others} more routes of this namespace. ${condition.message}` },
    );
  }

  private put(about: KubeObject, condition: Condition): void {
    if (this.waiting.length >= MAX_WAITING_EVENTS) {
      this.dropped++;
      return;
    }
    this.waiting.push(eventOf(about, condition));
    this.sending ??= this.send().finally(() => (this.sending = undefined));
  }

  /** Settles when no event waits any more. */
  async flush(): Promise<void> {
    for (const key of [...this.lately.keys()]) this.end(key);
    await this.sending;
  }

  private async send(): Promise<void> {
    for (let event = this.waiting.shift(); event !== undefined; event = this.waiting.shift()) {
      await this.api.create(EVENTS, event).catch((error: Error) => this.onFailure(error.message));
    }
  }
}

function eventOf(about: KubeObject, condition: Condition): KubeObject {
  const { name, namespace = 'default', uid, resourceVersion } = about.metadata;
  const now = new Date().toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200)}.${randomUUID().slice(0, 13)}`, namespace },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid, resourceVersion },
    type: isWarning(condition) ? 'Warning' : 'Normal',
    reason: condition.reason.slice(0, 128),
    message: condition.message.slice(0, MESSAGE_CHARACTERS),
    source: { component: COMPONENT },
    firstTimestamp: now.replace(/\.\d+Z$/, 'Z'),
    lastTimestamp: now.replace(/\.\d+Z$/, 'Z'),
    count: 1,
  };
}
