// Every file under scenarios/ is a set of tests: one for each scenario and module.
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { before, describe, test } from 'node:test';
import { loadModule } from '../../envoy/host/index.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { buildModules, MODULES } from '../../scripts/build.ts';
import type { ModuleName } from '../../scripts/build.ts';
import { loadScenarios } from './scenario/format.ts';
import { cutsOf, modulesOf, ScenarioRun } from './scenario/run.ts';

const FOLDER = join(import.meta.dirname, 'scenarios');
const files = globSync('**/*.yaml', { cwd: FOLDER })
  .sort()
  .map((file) => ({ file, scenarios: loadScenarios(join(FOLDER, file)) }));

const modules = new Map<string, LoadedModule>();
before(async () => {
  const wanted = new Set(files.flatMap(({ scenarios }) => scenarios.flatMap(modulesOf)));
  for (const built of await buildModules(MODULES.filter((name) => wanted.has(name)) as ModuleName[])) modules.set(built.name, loadModule(readFileSync(built.path)));
});

for (const { file, scenarios } of files) {
  describe(relative('.', file), () => {
    for (const scenario of scenarios) {
      for (const module of modulesOf(scenario)) {
        const cuts = cutsOf(scenario);
        test(`${scenario.about} [${module}${cuts > 1 ? `, ${cuts} cuts` : ''}]`, () => {
          const loaded = modules.get(module);
          if (loaded === undefined) throw new Error(`no module ${module}`);
          for (let cut = 0; cut < cuts; cut++) new ScenarioRun(scenario, module, loaded, cut).run();
        });
      }
    }
  });
}
