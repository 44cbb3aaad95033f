#!/usr/bin/env node
// The package's bin `fim`, for any Node >= 20: the command line itself is scripts/fim.ts.
import { bootstrap } from './bootstrap.mjs';

bootstrap('scripts/fim.ts', process.argv.slice(2));
