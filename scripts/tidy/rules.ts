import { circles } from './circles.ts';
import { dependencies } from './dependencies.ts';
import { errorCodes } from './error-codes.ts';
import { imports } from './imports.ts';
import { layout } from './layout.ts';
import { letters } from './letters.ts';
import { limits } from './limits.ts';
import { links } from './links.ts';
import { metrics } from './metrics.ts';
import { names } from './names.ts';
import type { Rule } from './project.ts';
import { openings } from './openings.ts';
import { parameters } from './parameters.ts';
import { promises } from './promises.ts';
import { sizes } from './sizes.ts';
import { testFiles } from './test-files.ts';
import { words } from './words.ts';

/** Every rule. Each has its test in test/tidy. */
export const RULES: Rule[] = [
  layout,
  imports,
  circles,
  dependencies,
  sizes,
  parameters,
  names,
  openings,
  words,
  letters,
  limits,
  errorCodes,
  metrics,
  links,
  testFiles,
  promises,
];
