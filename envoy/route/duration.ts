const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a Gateway API duration (`1h30m`, `250ms`). The text must have the form `([0-9]{1,5}(h|m|s|ms)){1,4}`.
 */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]{1,5})(ms|h|m|s)/g))
    total += Number(count) * (UNITS[unit ?? ''] ?? 0);
  return total;
}
