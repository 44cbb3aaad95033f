import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { examine } from '../../envoy/release/index.ts';
import { TLCP_MODULE, type TlsPairTerms, validateFiles } from '../../envoy/route/index.ts';
import type { Layout } from '../../envoy/xds/index.ts';
import { filterSlots } from '../../envoy/xds/index.ts';
import { buildModules } from '../build.ts';
import { readLayout } from './options.ts';
import { developmentCertificates } from './tlcp-certs.ts';
import { ROOT } from './project.ts';
import { progress, styled } from './terminal.ts';
import { describe, inheritedLines, tellMistakes } from './transcript.ts';

/**
 * `fim validate`: checks the files as one proxy would get them, including the modules' dry run. Returns the exit
 * status: 0 valid, 1 invalid.
 */
export async function validate(files: string[], options: { json?: boolean; modules: string }): Promise<number> {
  const layout = readLayout(options.modules);
  const modules = await builtModules(layout);
  const terms = { layout, terminatesTlcp: true, countsGlobally: true, collects: true, tlcp: { own: ownCertificates } };
  const report = await validateFiles(files, terms, async (module, json) => examine(modules.get(module)!, json));
  const { valid, routes, errors, conflicts, warnings, inherited } = report;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ valid, routes, errors, conflicts, warnings, inherited })}\n`);
    return valid ? 0 : 1;
  }
  tellMistakes(errors, `${styled('red', '✗')} `);
  for (const notice of [...conflicts, ...warnings])
    process.stdout.write(`${styled('yellow', '!')} ${describe(notice)}\n`);
  for (const line of inheritedLines(inherited)) process.stdout.write(`${line}\n`);
  if (valid) process.stdout.write(`${styled('green', '✓')} valid: ${routes.join(', ')}\n`);
  return valid ? 0 : 1;
}

/** As `fim up` makes them, for the dry run alone. */
async function ownCertificates(): Promise<{ pairs: TlsPairTerms[]; trust: string }> {
  const files = await developmentCertificates(['localhost'], 1);
  const chain = `${files['server-sign.pem']}${files['server-encrypt.pem']}`;
  return {
    pairs: [{ chain, signKey: 'kms://fim/tlcp/sign', encryptKey: 'kms://fim/tlcp/encrypt' }],
    trust: files['ca.pem']!,
  };
}

async function builtModules(layout: Layout): Promise<Map<string, Buffer>> {
  const built = await buildModules([...filterSlots(layout).map((slot) => slot.module), TLCP_MODULE], progress);
  const contents = await Promise.all(built.map((module) => readFile(join(ROOT, 'build', `${module.name}.wasm`))));
  return new Map(built.map((module, index) => [`${module.name}.wasm`, contents[index]!]));
}
