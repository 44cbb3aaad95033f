// Ticks at a wanted time. The host has one timer for each root context, in whole milliseconds: whoever asks for a time is
// called at the first of them that is not before it.
import { proxy_set_effective_context, proxy_set_tick_period_milliseconds } from './abi';
import { monotonicNanos } from './host';

const NANOS_PER_MILLI: u64 = 1_000_000;

/** Root context whose ticks are hurried. 0: none. */
let rootId: u32 = 0;
/** Monotonic time that is wanted, nanoseconds. 0: none. */
let wantedNanos: u64 = 0;

/** The usual period of ticks, milliseconds: what is wanted later does not hold up the other work of a tick. */
let paceMs: u32 = 1000;

/** Wants `Service.wake` to be called at `atNanos`, monotonic. The call is one of a stream under the root context. */
export function wakeAt(ownRootId: u32, streamId: u32, atNanos: u64): void {
  if (wantedNanos != 0 && wantedNanos <= atNanos) return;
  wantedNanos = atNanos;
  if (rootId == 0) rootId = ownRootId;
  proxy_set_effective_context(rootId);
  proxy_set_tick_period_milliseconds(min(millisUntil(monotonicNanos()), paceMs));
  proxy_set_effective_context(streamId);
}

function millisUntil(nowNanos: u64): u32 {
  return wantedNanos <= nowNanos ? 1 : <u32>max((wantedNanos - nowNanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI, 1);
}

/** Notes what is wanted next after what was due is done; 0: nothing. */
export function wantNext(atNanos: u64): void {
  wantedNanos = atNanos;
}

/** Whether something is wanted and no root context's ticks are hurried for it. */
export function isUnattended(): bool {
  return wantedNanos != 0 && rootId == 0;
}

/** Whether the ticks of this root context are hurried. */
export function hurries(id: u32): bool {
  return rootId == id;
}

/**
 * Sets the next tick of a root context, which is the effective one: `usualMs` from now (0: none), or sooner if it is the
 * one that is hurried. Where nothing is wanted any more it is hurried no longer. Returns the period, milliseconds.
 */
export function setTick(id: u32, usualMs: u32): u32 {
  if (isUnattended()) rootId = id;
  if (usualMs != 0) paceMs = usualMs;
  let ms = usualMs;
  if (rootId == id) {
    if (wantedNanos == 0) rootId = 0;
    else {
      const wantedMs = millisUntil(monotonicNanos());
      ms = usualMs == 0 ? wantedMs : min(usualMs, wantedMs);
    }
  }
  proxy_set_tick_period_milliseconds(ms);
  return ms;
}

/** The root context is gone; another one's tick takes over. */
export function forgetAlarm(id: u32): void {
  if (rootId == id) rootId = 0;
}
