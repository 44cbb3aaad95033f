// `fim audit verify`: integrity and completeness, told apart.
import type { Finding } from '../../services/audit/findings.ts';
import { verifyLog, type VerifyReport } from '../../services/audit/verify.ts';
import { fastDigests } from './audit-digests.ts';
import { logFolder } from './audit-folder.ts';
import { checkpointKeys, readAnchors, readAnchorTerms } from './audit-keys.ts';
import { progress, styled } from './terminal.ts';

export interface AuditVerifyFlags {
  checkpoint?: string[];
  key?: string;
  witnessKey?: string;
  tlogKey?: string;
  all?: boolean;
  json?: boolean;
}

/** Sources that are listed; all are in the JSON. */
const MOST_LISTED = 20;
const PROGRESS_MS = 1_000;

/** Exit status: 0 intact and complete, 1 changed, 3 intact with numbers missing. */
export async function verifyAudit(named: string | undefined, flags: AuditVerifyFlags): Promise<number> {
  const folder = logFolder(named);
  const terms = readAnchorTerms(flags);
  const report = verifyLog(folder, {
    digests: await fastDigests(),
    keys: checkpointKeys(folder, flags.key),
    anchors: (flags.checkpoint ?? []).flatMap((path) => readAnchors(path, terms)),
    ...(flags.all === true && { all: true }),
    onProgress: tellProgress(),
  });
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report, flags));
  return !report.intact ? 1 : report.complete ? 0 : 3;
}

/** Says how far it is where it takes long, at most once a second. */
function tellProgress(): (bytes: number, of: number) => void {
  let toldAt = performance.now();
  return (bytes, of) => {
    if (performance.now() - toldAt < PROGRESS_MS || bytes >= of) return;
    toldAt = performance.now();
    progress(`${Math.floor((100 * bytes) / of)} % of ${(of / 2 ** 20).toFixed(0)} MiB`);
  };
}

function placeOf({ from, to, file, offset }: Finding): string {
  const records =
    from === undefined ? '' : to === undefined || to === from ? `record ${from}` : `records ${from} to ${to}`;
  const at = file === undefined ? '' : offset === undefined ? file : `${file} at byte ${offset}`;
  return [records, at].filter((part) => part !== '').join(', ');
}

function textOf(report: VerifyReport, flags: AuditVerifyFlags): string {
  const { origin, from, size, segments, checkpoints, covered, findings, sources, aside } = report;
  const lines = [
    `log          ${origin}`,
    `records      ${from} to ${size - 1} in ${segments} segments${from > 0 ? `, earlier ones were cut by retention` : ''}`,
    `checkpoints  ${checkpoints}; the last valid one covers ${covered} records`,
    `key          ${flags.key ?? "the folder's own: who can write there could have replaced it (--key, --checkpoint)"}`,
    `integrity    ${report.intact ? styled('green', 'intact') : styled('red', `${findings.length} findings`)}`,
    ...findings.map((finding) => `  ${finding.kind.padEnd(18)} ${placeOf(finding)}: ${finding.detail}`),
  ];
  if (size > covered && report.intact)
    lines.push(`             ${size - covered} records at the end are chained, and not signed yet`);
  if (aside.length > 0) lines.push(`set aside    ${aside.join(', ')} (after a crash; no acknowledgement covered it)`);
  const holes = sources.filter(({ missing }) => missing > 0);
  const missing = holes.reduce((sum, source) => sum + source.missing, 0);
  lines.push(
    `completeness ${holes.length === 0 ? styled('green', `${sources.length} sources, no number is missing`) : styled('yellow', `${missing} records of ${holes.length} sources are missing`)}`,
    ...holes
      .slice(0, MOST_LISTED)
      .map(
        ({ source, records, high, holes: ranges, lost }) =>
          `  ${source} ${records} records up to ${high}; missing ${[...ranges.slice(0, 8).map(([a, b]) => (a === b ? a : `${a}-${b}`)), ...(ranges.length > 8 ? ['…'] : [])].join(', ') || 'none'}${lost > 0 ? `; ${lost} of them it gave up itself` : ''}`,
      ),
  );
  if (holes.length > MOST_LISTED) lines.push(`  … and ${holes.length - MOST_LISTED} more (--json)`);
  return `${lines.join('\n')}\n`;
}
