// Every file under scenarios/ is a set of tests: one for each scenario and module.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { builtModules } from './modules.ts';
import { loadScenarios } from './scenario/format.ts';
import { chainOf, modulesOf } from './scenario/policy.ts';
import { cutsOf, ScenarioRun } from './scenario/run.ts';

const FOLDER = join(import.meta.dirname, 'scenarios');
const files = globSync('**/*.yaml', { cwd: FOLDER })
  .sort()
  .map((file) => ({ file, scenarios: loadScenarios(join(FOLDER, file)) }));

let modules: Map<string, LoadedModule>;
before(async () => {
  modules = await builtModules(files.flatMap(({ scenarios }) => scenarios.flatMap(modulesOf).flatMap(chainOf)));
});

for (const { file, scenarios } of files) {
  describe(file, () => {
    for (const scenario of scenarios) {
      const cuts = cutsOf(scenario);
      for (const module of modulesOf(scenario)) {
        test(`${scenario.about} [${module}${cuts > 1 ? `, ${cuts} cuts` : ''}]`, () => {
          for (let cut = 0; cut < cuts; cut++) new ScenarioRun(scenario, module, modules, cut).run();
        });
      }
    }
  });
}
