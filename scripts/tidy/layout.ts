// Every stage's folder has the same parts, every folder that readers enter has a README, and no two decisions have one
// number.
import { STAGES } from '../../envoy/route/stages/table.ts';
import type { Finding, Project, Rule } from './project.ts';

const STAGE_PARTS = ['README.md', 'config.schema.json', 'config.gen.ts', 'stage.ts', 'stats.ts'];
/** Further parts of a stage that has its own module. */
const MODULE_PARTS = ['index.ts'];
const WITH_README = [
  '',
  'filters/',
  'filters/runtime/',
  'envoy/host/',
  'services/',
  'services/limits/',
  'scripts/',
  'test/',
];

const DECISION = /^docs\/decisions\/(\d{4})-[^/]+\.md$/;

export const layout: Rule = {
  name: 'layout',
  check(project: Project): Finding[] {
    const wanted = [
      ...STAGES.flatMap(({ folder, onlyFused }) =>
        [...STAGE_PARTS, ...(onlyFused === undefined ? MODULE_PARTS : [])].map((part) => `filters/${folder}/${part}`),
      ),
      ...WITH_README.map((folder) => `${folder}README.md`),
      'filters/fim/index.ts',
      'LICENSE',
    ];
    return [
      ...wanted.filter((file) => !project.has(file)).map((file) => ({ path: file, line: 0, message: 'is missing' })),
      ...sameNumbers(project),
    ];
  },
};

/** Decisions whose number another has already. */
function sameNumbers({ paths }: Project): Finding[] {
  const taken = new Map<string, string>();
  return paths.flatMap((file) => {
    const number = DECISION.exec(file)?.[1];
    if (number === undefined) return [];
    const other = taken.get(number);
    taken.set(number, other ?? file);
    return other === undefined ? [] : [{ path: file, line: 0, message: `has the number of ${other}` }];
  });
}
