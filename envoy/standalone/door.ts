// The door of a running stack: how commands on its host speak to the machines of its Envoy.
import { readdirSync, lstatSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOOR_REQUEST_TIMEOUT_MS, MAX_DOOR_ANSWER_BYTES } from '../limits.ts';
import { CodedError, messageOf } from './coded-error.ts';

/** How the folder of a stack begins, in the folder for temporary files. */
export const STACK_FOLDER = 'fim-';
/** Name of the socket in it. */
export const DOOR_SOCKET = 'door.sock';

/** A question. `path`: with its query; its first part chooses who answers. */
export interface DoorQuestion {
  path: string;
  /** Default: GET. */
  method?: string;
  headers?: Readonly<Record<string, string | readonly string[]>>;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** A way to the machines of one running Envoy. */
export class Door {
  readonly socket: string;

  constructor(socket: string) {
    this.socket = socket;
  }

  /**
   * The door at `socket`, or that of the only stack of this user that runs. Errors: FIM-UP-0061 (none runs),
   * FIM-UP-0062 (several do).
   */
  static async find(socket?: string): Promise<Door> {
    if (socket !== undefined) return new Door(socket);
    const sockets = socketsOf(DOOR_SOCKET);
    const open = await Promise.all(sockets.map((path) => new Door(path).opens()));
    const found = sockets.filter((_, index) => open[index]);
    if (found.length > 1) throw new CodedError('FIM-UP-0062', found.join(', '));
    if (found[0] === undefined) throw new CodedError('FIM-UP-0061', `no socket of a running one in ${tmpdir()}`);
    return new Door(found[0]);
  }

  /**
   * Asks, and returns the document that is the answer. Errors: FIM-UP-0061 (nobody answers), FIM-UP-0063 (the modules do
   * not know the question, or refuse it).
   */
  async ask<T>(question: DoorQuestion): Promise<T> {
    const { status, headers, text } = await this.send(question).catch((error: unknown) => {
      throw new CodedError('FIM-UP-0061', `${this.socket}: ${messageOf(error)}`);
    });
    if (status === 200 && headers['content-type'] === 'application/json') return JSON.parse(text) as T;
    throw new CodedError('FIM-UP-0063', refusalOf(status, text));
  }

  /** Whether an Envoy answers. */
  private opens(): Promise<boolean> {
    return this.send({ path: '/' }).then(
      () => true,
      () => false,
    );
  }

  private send({ path, method = 'GET', headers = {} }: DoorQuestion): Promise<Answer> {
    return new Promise((done, fail) => {
      const asked = request(
        {
          socketPath: this.socket,
          path,
          method,
          headers: { host: 'door', ...headers },
          signal: AbortSignal.timeout(DOOR_REQUEST_TIMEOUT_MS),
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (piece: string) => {
            text += piece;
            if (text.length > MAX_DOOR_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
          });
          response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, text }));
          response.on('error', fail);
        },
      );
      asked.on('error', fail);
      asked.end();
    });
  }
}

/** Sockets of that name of this user's stacks, of which some may be left over. */
export function socketsOf(name: string): string[] {
  const folder = tmpdir();
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(STACK_FOLDER))
    .map((entry) => join(folder, entry.name, name))
    .filter(isOwnSocket);
}

function isOwnSocket(path: string): boolean {
  try {
    const found = lstatSync(path);
    return found.isSocket() && (process.getuid === undefined || found.uid === process.getuid());
  } catch {
    return false; // absent, or in somebody else's folder
  }
}

/** The code and title of a refusal, which hold no value. */
function refusalOf(status: number, text: string): string {
  if (status === 404) return 'no module of this proxy knows the question; it may be older than this command';
  try {
    const { code, title } = JSON.parse(text) as { code?: string; title?: string };
    if (code !== undefined) return `${code} ${title ?? ''}`.trim();
  } catch {
    // Not a document of a module.
  }
  return `the proxy answered ${status}`;
}
