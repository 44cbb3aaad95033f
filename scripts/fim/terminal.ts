import { styleText } from 'node:util';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { adviceOf, translated } from './language.ts';

type Style = Parameters<typeof styleText>[0];

/** Styles text if standard output is a terminal that supports it. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

function styledError(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

/** Prints a progress line for slow steps. */
export function progress(line: string): void {
  process.stderr.write(`${styledError('dim', `fim: ${line}`)}\n`);
}

/** Prints an error on standard error. Returns the exit status: 2 for a wrong command line, else 1. */
export function tell(error: unknown): number {
  if (!(error instanceof CodedError)) {
    process.stderr.write(
      `${styledError('red', 'fim:')} ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
    );
    return 1;
  }
  process.stderr.write(
    `${styledError('red', `fim: ${error.code}`)} ${translated(error.code, error.message).slice(error.code.length + 1)}\n`,
  );
  const advice = adviceOf(error.code);
  if (advice !== '') process.stderr.write(`     ${advice}\n`);
  return error.code === 'FIM-UP-0020' ? 2 : 1;
}

/** All bytes of standard input. */
export async function readStandardInputBytes(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
