// Public interface of the test cases of policies. README.md explains it.
export { loadCases, type CaseLoadResult, type LoadedCases } from './load-cases.ts';
export { runFile, type CaseReport, type FileReport, type RuleReport, type RunOptions } from './run-file.ts';
export { readRecorded, type Recorded } from './recorded.ts';
export { replay, type Change, type ReplayReport } from './replay.ts';
