import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';

/** A canary in one line. */
export function canaryLine(canary: Omit<CanaryReport, 'verdict'>): string {
  const { route, release, phase, share, reason, inForce } = canary;
  const late = inForce ? '' : ', not in force yet';
  return `canary ${release} of ${route}: ${phase} at ${share} %${late} (${reason})`;
}
