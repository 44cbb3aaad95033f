// HTTP call-outs of the guest. Answers arrive between calls, on the virtual clock, never inside one.
import { Result } from './abi.ts';
import { HeaderMap } from './header-map.ts';
import type { HttpCall, HttpCallAnswer, HttpCallOutcome } from './http-call.ts';
import type { Machine, RootSide } from './roles.ts';

interface Pending {
  root: RootSide;
  cancel: (() => void)[];
}

export class HttpCalls {
  /** All call-outs so far, for tests. */
  readonly made: HttpCall[] = [];
  private readonly pending = new Map<number, Pending>();
  private readonly vm: Machine;
  private lastToken = 0;

  constructor(vm: Machine) {
    this.vm = vm;
  }

  /** Call-outs without an answer yet. */
  get open(): number {
    return this.pending.size;
  }

  /** Starts a call-out. Returns the result code and the token. */
  start(root: RootSide, call: HttpCall): { result: number; token: number } {
    const complete = [':method', ':path', ':authority'].every((name) => call.headers.get(name) !== undefined);
    const outcome = this.vm.options.httpCall?.(call) ?? 'unknown-cluster';
    if (outcome === 'unknown-cluster' || !complete || call.timeoutMs < 0)
      return { result: Result.BadArgument, token: 0 };
    this.made.push(call);
    if (outcome === 'no-host') return { result: Result.InternalFailure, token: 0 };
    const token = ++this.lastToken;
    const pending: Pending = { root, cancel: [] };
    this.pending.set(token, pending);
    const after = typeof outcome === 'object' ? (outcome.afterMs ?? 0) : 0;
    if (outcome !== 'silent')
      pending.cancel.push(this.vm.clock.schedule(after, () => this.deliver(token, answerOf(outcome))));
    if (call.timeoutMs > 0) {
      const late = {
        headers: new HeaderMap({ ':status': '504', 'content-type': 'text/plain' }),
        body: Buffer.from('upstream request timeout'),
        trailers: null,
      };
      pending.cancel.push(this.vm.clock.schedule(call.timeoutMs, () => this.deliver(token, late)));
    }
    return { result: Result.Ok, token };
  }

  cancelOf(root: RootSide): void {
    for (const [token, pending] of this.pending) if (pending.root === root) this.drop(token);
  }

  cancelAll(): void {
    for (const token of [...this.pending.keys()]) this.drop(token);
  }

  private drop(token: number): Pending | undefined {
    const pending = this.pending.get(token);
    for (const cancel of pending?.cancel ?? []) cancel();
    this.pending.delete(token);
    return pending;
  }

  private deliver(token: number, answer: HttpCallAnswer | null): void {
    const root = this.drop(token)?.root;
    const instance = this.vm.instance;
    if (root === undefined || instance.failed) return;
    root.callAnswer = answer;
    if (answer === null) root.status = { code: Result.BrokenConnection, message: 'reset' };
    instance.defer(() => {
      root.callAnswer = null;
      root.status = { code: 0, message: '' };
    });
    const sizes = answer === null ? [0, 0, 0] : [answer.headers.size, answer.body.length, answer.trailers?.size ?? 0];
    instance.call(root, 'proxy_on_http_call_response', [root.id, token, ...sizes], () => 0);
  }
}

function answerOf(outcome: Exclude<HttpCallOutcome, 'unknown-cluster' | 'no-host' | 'silent'>): HttpCallAnswer | null {
  if (outcome === 'reset') return null;
  if (outcome === 'refused') {
    const body = Buffer.from(
      'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
    );
    return {
      headers: new HeaderMap({ ':status': '503', 'content-length': String(body.length), 'content-type': 'text/plain' }),
      body,
      trailers: null,
    };
  }
  const headers = new HeaderMap(outcome.headers ?? {});
  headers.entries.unshift([':status', String(outcome.status)]);
  return {
    headers,
    body: Buffer.from((outcome.body ?? '') as string),
    trailers: outcome.trailers === undefined ? null : new HeaderMap(outcome.trailers),
  };
}
