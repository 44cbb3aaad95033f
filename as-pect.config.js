// For the `asp` command (npx asp --summary); `npm run test:unit` uses the same asconfig and the same host through scripts/test/unit-worker.ts.
import { unitImports } from './scripts/test/unit-host.ts';

export default {
  entries: ['test/unit/**/*.spec.ts'],
  include: ['node_modules/@as-pect/assembly/assembly/index.ts'],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    const started = instantiate(binary, createImports(unitImports(binary, () => instance.exports)));
    const instance = await started;
    return started;
  },
  outputBinary: false,
};
