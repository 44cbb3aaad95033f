// A service with a fixed capacity: some servers, each of which takes a time for a request, and a line before them that
// nobody bounds. It also does the work for clients that no longer wait.
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const SERVERS = 8;
const SERVICE_MS = 160;
/** Requests in a second. */
export const CAPACITY = (SERVERS * 1000) / SERVICE_MS;

export interface BusyService {
  port: number;
  /** Drops what waits. */
  forget: () => void;
  stop: () => Promise<void>;
}

/** Starts it on a free loopback port. */
export async function startBusyService(): Promise<BusyService> {
  const line: ServerResponse[] = [];
  let busy = 0;
  const serve = (): void => {
    while (busy < SERVERS && line.length > 0) {
      const response = line.shift()!;
      busy++;
      setTimeout(() => {
        busy--;
        response.end('{}');
        serve();
      }, SERVICE_MS);
    }
  };
  const server = createServer((_, response) => {
    line.push(response);
    serve();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const forget = (): void => {
    for (const response of line.splice(0)) response.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    forget,
    stop: () =>
      new Promise((stopped) => {
        forget();
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}
