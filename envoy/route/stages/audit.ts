import { durationMs } from '../duration.ts';
import type { AuditData, AuditSubject } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type {
  AuditConfig,
  AuditDataConfig,
  AuditSubjectConfig,
  MaskField,
  PluginConfig,
} from '../plugin-config.gen.ts';
import { checkSteps, checkUnique } from '../rules-fields.ts';
import type { Report } from '../schema-check.ts';
import { checkWay, keyAlgorithm, maskWay } from './masking-way.ts';
import { type KeyUse, type RouteTerms, stage } from './stage-row.ts';

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
  readsBody: ({ mode, data = [] }) => mode === 'Sync' || data.some(isInBody),
  keys: ({ data = [] }) => data.flatMap(keyUses),

  check({ value, path }, terms, report) {
    const { mode, onFull, wait, subject, transaction, data = [] } = value;
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
    data.forEach((field, index) => checkData(field, [...path, 'data', index], terms, report));
    checkUnique(
      data.map(({ as }) => as),
      [...path, 'data'],
      report,
    );
    if (value.withoutKey === 'Tell' && !data.some(({ mask, seal }) => (seal ?? mask?.keyId) !== undefined))
      report('FIM-CFG-1120', [...path, 'withoutKey'], 'no field of data has a key');
    const { spec } = terms;
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
    const { data, withoutKey } = value;
    if (data !== undefined) {
      data.forEach((_, index) => note(['data', index], [...path, 'data', index]));
      config.data = data.map(dataConfig);
    }
    if (withoutKey === 'Tell') config.withoutKey = 'Tell';
    return config;
  },
});

function isInBody({ name, path }: { name?: string; path?: string }): boolean {
  return (name ?? path ?? '') !== '';
}

function keyUses({ keyId, algorithm = 'SM4-GCM', mask }: AuditDataConfig): KeyUse[] {
  if (keyId !== undefined)
    return [{ id: keyId, algorithm: algorithm === 'SM4-GCM' ? 'SM4' : 'AES-256', protects: true }];
  const way = mask as MaskField | undefined;
  return way?.keyId === undefined || way.algorithm === undefined
    ? []
    : [{ id: way.keyId, algorithm: keyAlgorithm(way.algorithm), protects: true }];
}

function checkData(field: AuditData, at: Path, { bodiless }: RouteTerms, report: Report): void {
  const { name, path, header, parameter, direction, mask, seal } = field;
  const given = [name, path, header, parameter].filter((place) => place !== undefined).length;
  if (given !== 1) report('FIM-CFG-1120', at, 'exactly one of name, path, header and parameter');
  if ((mask === undefined) === (seal === undefined)) report('FIM-CFG-1120', at, 'exactly one of mask and seal');
  if (path !== undefined) checkSteps(path, [...at, 'path'], report);
  if (parameter !== undefined && direction === 'Response')
    report('FIM-CFG-1120', [...at, 'direction'], 'responses have no parameters');
  if (mask !== undefined) checkWay(mask, [...at, 'mask'], report);
  if (mask?.method === 'Remove' || mask?.method === 'Null')
    report('FIM-CFG-1120', [...at, 'mask', 'method'], 'a field that is not to be in the record is left out of data');
  if (bodiless !== undefined && isInBody(field) && (direction !== 'Response' || !bodiless.answered))
    report('FIM-CFG-1044', at, bodiless.why);
}

function dataConfig({ as, direction, name, path, header, parameter, mask, seal }: AuditData): AuditDataConfig {
  const config: AuditDataConfig = { as };
  if (direction === 'Response') config.response = true;
  if (name !== undefined) config.name = name;
  if (path !== undefined) config.path = path;
  if (header !== undefined) config.header = header.toLowerCase();
  if (parameter !== undefined) config.parameter = parameter;
  if (mask !== undefined) config.mask = maskWay(mask);
  if (seal !== undefined) Object.assign(config, { keyId: seal.keyId, algorithm: seal.algorithm ?? 'SM4-GCM' });
  return config;
}

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
