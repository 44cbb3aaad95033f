// Generates docs/limits.md from the limits files.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, cell, type Output } from './output.ts';

const SOURCES = {
  'filters/limits.ts': 'In the modules',
  'envoy/limits.ts': 'In the tooling',
  'istio/limits.ts': 'In the operator and the module server',
  'services/limits.ts': 'In the services',
};
const LIMIT = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*export const ([A-Z0-9_]+)(?:: \w+)? = ([^;]+);/g;

function rows(text: string): string[] {
  return [...text.matchAll(LIMIT)].map(([, comment, name, value]) => {
    const meaning = (comment ?? '')
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, '').trim())
      .join(' ')
      .trim();
    return `| \`${name}\` | ${(value ?? '').replaceAll('_', '')} | ${cell(meaning)} |`;
  });
}

/** `docs/limits.md`. */
export function limitOutputs(repository: string): Output[] {
  const lines = [
    `${banner(Object.keys(SOURCES).join(', '), '<!--')} -->`,
    '',
    '# Limits',
    '',
    'Every bound that a message or a configuration can meet.',
  ];
  for (const [path, title] of Object.entries(SOURCES)) {
    if (!existsSync(join(repository, path))) continue;
    lines.push(
      '',
      `## ${title} (\`${path}\`)`,
      '',
      '| limit | value | meaning |',
      '|---|---|---|',
      ...rows(readFileSync(join(repository, path), 'utf8')),
    );
  }
  return [{ path: 'docs/limits.md', text: `${lines.join('\n')}\n` }];
}
