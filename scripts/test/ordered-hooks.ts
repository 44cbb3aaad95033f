// Loaded before a test file of which only some tests run. Where none is left, node:test calls the `after` of a file
// while its `before` still works, so that what `before` starts is never stopped and the file hangs. Here `after` waits.
import { createRequire, syncBuiltinESMExports } from 'node:module';

type Hook = (context: never) => unknown;
type Register = (hook: Hook, options?: object) => void;

const nodeTest = createRequire(import.meta.url)('node:test') as { before: Register; after: Register };
const { before, after } = nodeTest;
const begun: Promise<unknown>[] = [];

nodeTest.before = (hook, options) =>
  before((context) => {
    const working = Promise.try(hook, context);
    begun.push(working);
    return working;
  }, options);
nodeTest.after = (hook, options) =>
  after(async (context) => {
    await Promise.allSettled(begun);
    await hook(context);
  }, options);
syncBuiltinESMExports();
