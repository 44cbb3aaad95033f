// Compiles patterns, one at a time, in memory that is used again.
import { Arena } from '../memory/arena';
import { DfaBuilder } from './pattern-dfa';
import { PatternParser } from './pattern-parser';
import { Program } from './program';

/** Memory of one compilation, bytes. All but one block is freed afterwards. */
const WORKSPACE_BYTES: usize = 32 * 1024 * 1024;
const WORKSPACE_CHUNK_BYTES: usize = 64 * 1024;
const WORKSPACE_KEPT_BYTES: usize = 512 * 1024;

const workspace = new Arena(WORKSPACE_CHUNK_BYTES, WORKSPACE_BYTES);
export const program: Program = new Program(workspace);
export const parser: PatternParser = new PatternParser(program);
export const builder: DfaBuilder = new DfaBuilder(program, workspace);

/** Gives the memory back. Program and tables must not be read afterwards. */
export function endCompilation(): void {
  if (workspace.held > WORKSPACE_KEPT_BYTES) workspace.release();
  else workspace.reset();
}
