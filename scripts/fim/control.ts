// Questions and commands for a running `fim up`, through the socket that its event `ready` tells.
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { CONTROL_SOCKET } from '../../envoy/standalone/control-server.ts';
import { socketsOf } from '../../envoy/standalone/door.ts';
import type { ErrorCode } from '../../envoy/route/index.ts';

/** Time for an answer: a command waits until it is in force, milliseconds. */
const ANSWER_MS = 120_000;

/**
 * The socket that is named, or that of the only stack of this user that runs. Errors: FIM-UP-0061 (none runs), FIM-UP-0062
 * (several do).
 */
export async function socketOf({ control }: { control?: string }): Promise<string> {
  if (control !== undefined) return control;
  const found: string[] = [];
  for (const path of socketsOf(CONTROL_SOCKET)) if (await ask(path, 'GET', '/canary').then(...LIVES)) found.push(path);
  const [only] = found;
  if (only === undefined) throw new CodedError('FIM-UP-0061', `no socket of a running one in ${tmpdir()}`);
  if (found.length > 1) throw new CodedError('FIM-UP-0062', `--control is one of ${found.join(', ')}`);
  return only;
}

/** A socket that is left of a process that is gone answers nothing. */
const LIVES = [() => true, () => false] as const;

/** The answer. Errors: FIM-UP-0061 (nobody answers), and those of the command. */
export async function ask<T>(socket: string, method: string, path: string): Promise<T> {
  const text = await exchange(socket, method, path).catch((error: unknown) => {
    throw new CodedError('FIM-UP-0061', `${socket}: ${messageOf(error)}`);
  });
  const answer = JSON.parse(text) as T & { code?: string; message?: string };
  if (answer.code === undefined) return answer;
  throw new CodedError(answer.code as ErrorCode, (answer.message ?? '').replace(/^.*?: /, ''));
}

function exchange(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((done, failed) => {
    const asked = request({ socketPath, method, path, timeout: ANSWER_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => done(text));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', failed).end();
  });
}
