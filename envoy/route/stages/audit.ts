import { durationMs } from '../duration.ts';
import type { AuditSubject } from '../financial-route.gen.ts';
import type { AuditConfig, AuditSubjectConfig, PluginConfig } from '../plugin-config.gen.ts';
import { stage } from './stage-row.ts';

/** Cluster of the collector. */
export const AUDIT_CLUSTER = 'fim-audit';

const LEAST_WAIT_MS = 1;
const MOST_WAIT_MS = 60_000;

/** Row of audit. */
export const audit = stage({
  section: 'audit',
  folder: 'audit',
  onlyFused: 'a record tells what became of a message in all stages: only fim.wasm knows',
  observable: false,

  rank: () => undefined,
  readsBody: ({ mode }) => mode === 'Sync',
  keys: () => [],

  check({ value, path }, { spec }, report) {
    const { mode, onFull, wait, subject, transaction } = value;
    if (mode === 'Sync' && onFull === 'Drop')
      report('FIM-CFG-1120', path, 'Sync lets nothing pass without a record: onFull is Block or Deny');
    if (subject !== undefined && origins(subject) !== 1)
      report('FIM-CFG-1120', [...path, 'subject'], 'exactly one of claim, certificate: true and header');
    if (transaction !== undefined && (transaction.header === undefined) === (transaction.extract === undefined))
      report('FIM-CFG-1120', [...path, 'transaction'], 'exactly one of header and extract');
    if (wait !== undefined) {
      const ms = durationMs(wait);
      if (ms < LEAST_WAIT_MS || ms > MOST_WAIT_MS) report('FIM-CFG-1039', [...path, 'wait'], 'from 1ms to 1m');
    }
    const extract = transaction?.extract;
    if (extract !== undefined && !spec.validation?.extract?.some(({ name }) => name === extract))
      report('FIM-CFG-1120', [...path, 'transaction', 'extract'], `validation.extract has no ${extract}`);
  },

  translate({ value, path }, { spec, note }) {
    note([], path);
    const { mode, onFull, wait, digests, times, subject, transaction } = value;
    const config: AuditConfig = { cluster: AUDIT_CLUSTER, path: spec.match?.path?.value ?? '/' };
    if (mode === 'Sync') config.mode = 'Sync';
    if (onFull !== undefined && onFull !== 'Block') config.onFull = onFull;
    if (wait !== undefined) config.waitMs = durationMs(wait);
    if (digests === false) config.digests = false;
    if (times === false) config.times = false;
    if (subject !== undefined) {
      note(['subject'], [...path, 'subject']);
      config.subject = subjectConfig(subject);
    }
    if (transaction?.header !== undefined) config.transactionHeader = transaction.header.toLowerCase();
    if (transaction?.extract !== undefined) config.transactionExtract = transaction.extract;
    return config;
  },
});

function origins({ claim, certificate, header }: AuditSubject): number {
  return [claim !== undefined, certificate === true, header !== undefined].filter(Boolean).length;
}

function subjectConfig({ claim, header }: AuditSubject): AuditSubjectConfig {
  if (claim !== undefined) return { from: 'Claim', ...claim };
  if (header !== undefined) return { from: 'Header', name: header.name.toLowerCase() };
  return { from: 'Certificate' };
}

/** Whether a plugin's routes ask for records. */
export function asksAudit({ routes }: PluginConfig): boolean {
  return routes.some(({ stages }) => stages.audit !== undefined);
}
