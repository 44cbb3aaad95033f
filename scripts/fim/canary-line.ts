import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';

/** A canary in one line. */
export function canaryLine(canary: Omit<CanaryReport, 'verdict' | 'shadow'>): string {
  const { route, release, phase, share, reason, inForce, mode } = canary;
  const at = mode === 'Shadow' && share === 0 ? 'as a shadow' : `at ${share} %`;
  const late = inForce ? '' : ', not in force yet';
  return `canary ${release} of ${route}: ${phase} ${at}${late} (${reason})`;
}
