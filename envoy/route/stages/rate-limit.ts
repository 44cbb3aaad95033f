import { MAX_FIELD_PATH_STEPS, MAX_LIMIT_PERIOD_MS } from '../../limits.ts';
import { durationMs } from '../duration.ts';
import { fieldSteps } from '../field-place.ts';
import type { Path } from '../json-path.ts';
import type { RateLimiterConfig } from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';
import { stage } from './stage-row.ts';

/** Checks the token bucket. */
export const rateLimit = stage({
  section: 'rateLimit',
  folder: 'rate-limiter',
  observable: true,

  rank({ key }, direction) {
    // Answers are only told how much is left.
    if (direction === 'Response') return undefined;
    return key?.field === undefined ? 'Limit' : 'LimitByField';
  },

  readsBody: ({ key }) => key?.field !== undefined,
  keys: () => [],

  check({ value, path }, _, report) {
    const period = durationMs(value.period);
    if (period < 1 || period > MAX_LIMIT_PERIOD_MS) report('FIM-CFG-1039', [...path, 'period'], 'from 1ms to 24h');
    const { key } = value;
    if (key === undefined) return;
    const given = [key.header !== undefined, key.sourceAddress === true, key.clientCertificate === true, key.field];
    if (given.filter(Boolean).length !== 1) report('FIM-CFG-1040', [...path, 'key']);
    else if (key.field !== undefined) checkKeyField(key.field, [...path, 'key', 'field'], report);
    else if (key.header?.toLowerCase() === 'host')
      report('FIM-CFG-1029', [...path, 'key', 'header'], 'the host is no header of its own');
  },

  // The id is the resource's, so that its buckets live on over edits.
  translate({ value, path }, { buckets, note }) {
    note([], path);
    note(['periodMs'], [...path, 'period']);
    const config: RateLimiterConfig = {
      id: `${buckets}/0`,
      requests: value.requests,
      periodMs: durationMs(value.period),
    };
    if (value.burst !== undefined) config.burst = value.burst;
    if (value.headers === 'Always') config.headers = 'Always';
    if (value.key?.header !== undefined) config.key = { source: 'Header', header: value.key.header.toLowerCase() };
    else if (value.key?.sourceAddress === true) config.key = { source: 'SourceAddress' };
    else if (value.key?.clientCertificate === true) config.key = { source: 'ClientCertificate' };
    else if (value.key?.field !== undefined) config.key = { source: 'Field', field: value.key.field };
    return config;
  },
});

function checkKeyField(field: string, at: Path, report: Report): void {
  const steps = fieldSteps(field);
  if (steps.length > MAX_FIELD_PATH_STEPS) report('FIM-CFG-1025', at, `at most ${MAX_FIELD_PATH_STEPS} steps`);
  else if (steps.some((step) => 'any' in step)) report('FIM-CFG-1025', at, 'a key is one field, without wildcards');
}
