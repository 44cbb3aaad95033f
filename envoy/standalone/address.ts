import { createServer } from 'node:net';
import { CodedError } from './coded-error.ts';

/** A host and a port to listen on. Port 0 takes a free one. */
export interface Address {
  /** Name or address. IPv6 without brackets. */
  host: string;
  port: number;
}

const MAX_PORT = 65_535;

/** Reads `HOST:PORT`, `[::1]:PORT` or `:PORT` (loopback). Error: FIM-UP-0020. `option` names the flag in it. */
export function parseAddress(text: string, option: string): Address {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (!found || port > MAX_PORT)
    throw new CodedError('FIM-UP-0020', `${option} ${JSON.stringify(text)} is not HOST:PORT`);
  return { host: found[1] ?? (found[2] || '127.0.0.1'), port };
}

/** `HOST:PORT`, as parseAddress reads it. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether a listener on this host is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Checks that the address is free. Envoy's listeners share their port with any other that asks for it (SO_REUSEPORT),
 * so a second Envoy would silently take half of the traffic. Error: FIM-UP-0008.
 */
export async function assertFree({ host, port }: Address): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await new Promise<void>((done, failed) => {
    probe.once('error', (error: NodeJS.ErrnoException) =>
      failed(new CodedError('FIM-UP-0008', `${formatAddress({ host, port })} (${error.code ?? error.message})`)),
    );
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => done()));
  });
}
