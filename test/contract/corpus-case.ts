import { readdirSync, readFileSync } from 'node:fs';

/** Statements in the first comments of a corpus file. */
export interface CorpusCase {
  name: string;
  file: string;
  text: string;
  layout: 'fused' | 'chain';
  verdicts: Record<Layer, Verdict>;
}

export type Layer = 'schema' | 'cel' | 'typescript' | 'plugin';

/** `not reached`: an earlier layer's refusal leaves nothing to judge. */
export interface Verdict {
  outcome: 'accepted' | 'refused' | 'not reached';
  /** Absent where the layer has no codes. */
  code?: string;
  path?: string;
  line?: number;
  /** Code of the one warning that goes with acceptance. */
  warns?: string;
}

const LAYERS: readonly Layer[] = ['schema', 'cel', 'typescript', 'plugin'];
const VERDICT = /^(accepted|refused|not reached)(?:, warns (FIM-\S+))?(?: (FIM-\S+))?(?: (\$.*?) line (\d+))?$/;

function verdictOf(name: string, layer: Layer, text: string | undefined): Verdict {
  const found = VERDICT.exec(text ?? '');
  if (found === null) throw new Error(`${name}: no verdict of ${layer}`);
  const [, outcome, warns, code, path, line] = found;
  return {
    outcome: outcome as Verdict['outcome'],
    warns,
    code,
    path,
    line: line === undefined ? undefined : Number(line),
  };
}

function readCase(folder: URL, file: string): CorpusCase {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const stated = new Map([...text.matchAll(/^# (\w+): (.*)$/gm)].map(([, key, value]) => [key ?? '', value ?? '']));
  const name = file.replace(/\.\w+$/, '');
  const verdicts = Object.fromEntries(
    LAYERS.map((layer) => [layer, verdictOf(name, layer, stated.get(layer))]),
  ) as Record<Layer, Verdict>;
  return { name, file, text, layout: stated.get('layout') === 'chain' ? 'chain' : 'fused', verdicts };
}

/** The corpus, by name. */
export function readCorpus(kind: 'valid' | 'invalid'): CorpusCase[] {
  const folder = new URL(`../corpus/${kind}/`, import.meta.url);
  return readdirSync(folder)
    .sort()
    .map((file) => readCase(folder, file));
}
