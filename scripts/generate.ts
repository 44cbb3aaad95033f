// `npm run generate`: writes every generated file. `--check` writes nothing and fails if one differs from its source.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cryptoOutputs } from './crypto/outputs.ts';
import { auditRecordOutputs } from './generate/audit-record.ts';
import { caseFileOutputs } from './generate/case-file.ts';
import { clientHeaderOutputs } from './generate/client-headers.ts';
import { codeOutputs } from './generate/codes.ts';
import { crdOutputs } from './generate/crd.ts';
import { errorOutputs } from './generate/errors.ts';
import { isoSpecOutputs } from './generate/iso-specs.ts';
import { kindOutputs } from './generate/kinds.ts';
import { limitOutputs } from './generate/limits.ts';
import { metricOutputs } from './generate/metrics.ts';
import type { Output } from './generate/output.ts';
import { rbacOutputs } from './generate/rbac.ts';
import { stageOutputs } from './generate/stages.ts';
import { telemetryOutputs } from './generate/telemetry.ts';
import { pluginConfigOutputs } from './generate/plugin-config.ts';
import { routeDocOutputs } from './generate/route-doc.ts';
import { routeTypeOutputs } from './generate/route-types.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Every generated file of the repository, in a fixed order. Throws if a source is outside the subset that the
 * generators support.
 */
export function allOutputs(repository: string): Output[] {
  return [
    errorOutputs,
    limitOutputs,
    metricOutputs,
    telemetryOutputs,
    auditRecordOutputs,
    caseFileOutputs,
    clientHeaderOutputs,
    codeOutputs,
    kindOutputs,
    cryptoOutputs,
    isoSpecOutputs,
    stageOutputs,
    pluginConfigOutputs,
    crdOutputs,
    rbacOutputs,
    routeTypeOutputs,
    routeDocOutputs,
  ].flatMap((outputs) => outputs(repository));
}

function differs(output: Output): boolean {
  const path = join(root, output.path);
  return !existsSync(path) || readFileSync(path, 'utf8') !== output.text;
}

function main(): void {
  const check = process.argv.includes('--check');
  const stale = allOutputs(root).filter(differs);
  write(stale, check);
  // The enumerations of kinds are written into schemas, which are sources themselves.
  if (!check && stale.length > 0) write(allOutputs(root).filter(differs), false);
  if (check && stale.length > 0) process.exitCode = 1;
  if (stale.length === 0) console.log('generated files are up to date');
}

function write(stale: Output[], check: boolean): void {
  for (const output of stale) {
    if (check) {
      console.error(`stale: ${output.path} (run \`npm run generate\`)`);
      continue;
    }
    mkdirSync(dirname(join(root, output.path)), { recursive: true });
    writeFileSync(join(root, output.path), output.text);
    console.log(`wrote ${output.path}`);
  }
}

if (import.meta.main) main();
