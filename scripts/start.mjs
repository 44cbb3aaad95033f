// `npm start`: runs the demonstration on a bare machine: packages, Node 26, modules, Envoy, a development KMS and an
// upstream.
import { bootstrap } from './bootstrap.mjs';

bootstrap('scripts/fim.ts', ['up', ...process.argv.slice(2)]);
