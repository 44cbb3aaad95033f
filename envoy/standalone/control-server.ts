import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CanaryCommand } from '../release/index.ts';
import type { CanaryKeeper, CanaryReport } from './canary-keeper.ts';
import type { CanaryWatch } from './canary-watch.ts';
import { CodedError, messageOf } from './coded-error.ts';
import type { Controller } from './controller.ts';
import type { Door } from './door.ts';
import type { ReleaseStore } from './release-store.ts';

/** Name of the socket in the folder of a stack. */
export const CONTROL_SOCKET = 'control.sock';

const COMMANDS: ReadonlySet<string> = new Set(['step', 'promote', 'abort', 'pause', 'resume']);

/** Parts of a stack that commands look at and steer. */
export interface ControlParts {
  keeper: CanaryKeeper;
  watch: CanaryWatch;
  /** Null: the stack has none. */
  door: Door | null;
  controller: Controller;
  releases: ReleaseStore;
}

/**
 * Commands for a running `fim up`, on a socket that only its user can open: `GET /canary`, `POST /canary/abort`, `GET
 * /releases`, `POST /releases/rollback/ID`. Answers are JSON: `{canary}`, what was asked for, or `{code, message}`.
 */
export class ControlServer {
  private readonly server: Server;
  readonly path: string;

  private constructor(path: string, parts: ControlParts) {
    this.path = path;
    this.server = createServer((request, response) => {
      void answer(request, parts).then(
        ([status, body]) => send(response, status, body),
        (error: unknown) => send(response, 409, problemOf(error)),
      );
    });
  }

  /** `path`: of the socket, in a folder of this user alone. */
  static async start(path: string, parts: ControlParts): Promise<ControlServer> {
    const control = new ControlServer(path, parts);
    await new Promise<void>((done, failed) => {
      control.server.once('error', failed);
      control.server.listen(path, done);
    });
    await chmod(path, 0o600);
    return control;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }
}

async function answer(
  { method, url }: IncomingMessage,
  { keeper, watch, door, controller, releases }: ControlParts,
): Promise<[number, object]> {
  if (url === '/releases' && method === 'GET')
    return [200, { current: releases.current ?? null, held: releases.held ?? null, releases: releases.list() }];
  const [, back, id] = /^\/releases\/(rollback)(?:\/([0-9a-f]+))?$/.exec(url ?? '') ?? [];
  if (back !== undefined && method === 'POST') return [200, await controller.rollBack(id)];
  if (url === '/canary' && method === 'GET') return [200, { canary: (await withSamples(keeper, door)) ?? null }];
  const command = /^\/canary\/([a-z]+)$/.exec(url ?? '')?.[1] ?? '';
  if (!COMMANDS.has(command)) return [404, { code: 'FIM-UP-0071', message: 'no such command' }];
  if (method !== 'POST') return [405, { code: 'FIM-UP-0071', message: 'commands are sent by POST' }];
  return [200, { canary: await watch.command(command as CanaryCommand) }];
}

/** The report, of a shadow with some of the differences that the proxy keeps. */
async function withSamples(keeper: CanaryKeeper, door: Door | null): Promise<CanaryReport | undefined> {
  const report = keeper.report();
  if (report === undefined || !keeper.isShadow || door === null) return report;
  const kept = await door.ask<{ release: string; samples: string[] }>({ path: '/shadow/' }).catch(() => undefined);
  return { ...report, samples: kept?.release === report.release ? kept.samples : [] };
}

function problemOf(error: unknown): object {
  return { code: error instanceof CodedError ? error.code : 'FIM-UP-0013', message: messageOf(error) };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
