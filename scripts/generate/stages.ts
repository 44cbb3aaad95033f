// The table of stages (envoy/route/stages) → what the modules know of it: which stages there are, their names, and their
// order.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memberOf, RANKS } from '../../envoy/route/stages/stage-row.ts';
import { FUSED_MODULE, STAGES } from '../../envoy/route/stages/table.ts';
import { banner, cell, section, type Output } from './output.ts';

const TABLE = 'envoy/route/stages/table.ts';

/** `rate-limiter` → `RateLimiter`: the stage's class. */
function classOf(folder: string): string {
  return folder.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function registration(): string {
  const folders = STAGES.map(({ folder }) => folder).sort();
  const imports = folders.map((folder) => `import { ${classOf(folder)} } from '../${folder}/stage';`);
  const made = STAGES.map(({ folder }) => `new ${classOf(folder)}()`).join(', ');
  return `${banner(TABLE)}

${[...imports, "import { Stage } from '../runtime/stage';"].sort().join('\n')}

/** One of every stage. */
export function allStages(): Stage[] {
  return [${made}];
}
`;
}

function facts(member: string, observable: boolean): string {
  return `${banner(TABLE)}

/** Name of the stage's section in a route of the plugin's configuration. */
export const SECTION: string = '${member}';
/** Whether \`Observe\` turns the stage's refusals into counts. */
export const OBSERVABLE: bool = ${observable};
`;
}

function ranks(): string {
  const members = Object.entries(RANKS).map(
    ([rank, text], index) => `  /** The message is then ${text}. */\n  ${rank} = ${index},`,
  );
  return `${banner('envoy/route/stages/stage-row.ts')}

/** Place of a stage in the order of a message's stages: what comes first protects what comes after. */
export const enum Rank {
${members.join('\n')}
}
`;
}

/**
 * A schema of plugin configurations with the stages' sections in the place of \`x-fim-stages\`: they are in the table,
 * not in the file.
 */
export function withStages<T extends StagesNode>(schema: T): T {
  const { stages } = schema.$defs ?? {};
  if (stages?.['x-fim-stages'] !== true) return schema;
  const { 'x-fim-stages': _, ...node } = stages;
  const properties = Object.fromEntries(
    STAGES.map((row) => [memberOf(row), { 'x-fim-raw': true, $ref: `../${row.folder}/config.schema.json` }]),
  );
  return { ...schema, $defs: { ...schema.$defs, stages: { ...node, properties } } };
}

interface StagesNode {
  $defs?: Record<string, { 'x-fim-stages'?: boolean }>;
}

function document(repository: string): string {
  const rows = STAGES.map(({ folder, section, onlyFused, observable }) => {
    const { description } = JSON.parse(
      readFileSync(join(repository, `filters/${folder}/config.schema.json`), 'utf8'),
    ) as { description: string };
    const alone = onlyFused === undefined ? `\`${folder}.wasm\`` : '';
    return `| \`${section}\` | [\`${folder}/\`](${folder}/README.md) | ${cell(description)} | ${alone} | ${observable ? 'yes' : 'no'} |`;
  });
  return [
    '| section | folder | what it does | module of its own | `Observe` passes its refusals over |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** Generated facts of the table for the modules and their readers. */
export function stageOutputs(repository: string): Output[] {
  return [
    ...section(repository, 'filters/README.md', 'stages', document(repository)),
    { path: `filters/${FUSED_MODULE}/stages.gen.ts`, text: registration() },
    { path: 'filters/runtime/rank.gen.ts', text: ranks() },
    ...STAGES.map((row) => ({
      path: `filters/${row.folder}/facts.gen.ts`,
      text: facts(memberOf(row), row.observable),
    })),
  ];
}
