// A TCP proxy on loopback that does to connections what networks and dying servers do.
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** Fate of bytes. May be changed at any time; bytes that came before keep the one they met. */
export interface Fault {
  /** New connections are reset as soon as they are open. */
  reset?: boolean;
  /** Nothing that a client sends goes on, and nothing comes back: as behind a firewall that drops. */
  blackhole?: boolean;
  /** The client's bytes go on; nothing comes back. */
  halfOpen?: boolean;
  /** The connection is reset at the first byte of an answer. */
  cutAnswers?: boolean;
  /** Milliseconds by which each piece of an answer is late. */
  delayMs?: number;
  /** Bytes of an answer in a second. */
  bytesPerSecond?: number;
  /** The first byte of each piece of an answer is another. */
  corrupt?: boolean;
}

/** Others on this machine do not listen on this address, so that a port that was given back stays free. */
const ADDRESS = '127.17.0.9';
/** Connections that wait to be taken: more than a busy test process lets wait. */
const BACKLOG = 4096;

export class FaultProxy {
  fault: Fault = {};
  /** Connections that were taken. */
  accepted = 0;
  private server: Server | undefined;
  private port = 0;
  private readonly target: URL;
  private readonly sockets = new Set<Socket>();

  private constructor(target: URL) {
    this.target = target;
  }

  static async before(target: URL): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.start();
    return proxy;
  }

  get url(): string {
    return `${this.target.protocol}//${ADDRESS}:${this.port}`;
  }

  /** Listens, again on the same port after `kill`. */
  async start(): Promise<void> {
    const server = createServer((client) => this.take(client));
    this.server = server;
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen({ port: this.port, host: ADDRESS, backlog: BACKLOG }, done);
    });
    this.port = (server.address() as AddressInfo).port;
  }

  /** Resets every connection and refuses new ones, as a process that was killed. */
  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.resetAndDestroy();
    if (server !== undefined) await new Promise<void>((done) => void server.close(() => done()));
  }

  private take(client: Socket): void {
    this.accepted++;
    this.keep(client);
    if (this.fault.reset === true) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(this.target.port), this.target.hostname);
    this.keep(upstream);
    client.on('data', (piece) => {
      if (this.fault.blackhole === true) return;
      if (upstream.destroyed) client.resetAndDestroy();
      else upstream.write(piece);
    });
    upstream.on('data', (piece: Buffer) => void this.answer(client, upstream, piece));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => {
      if (this.fault.blackhole !== true && this.fault.halfOpen !== true) client.destroy();
    });
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }

  private async answer(client: Socket, upstream: Socket, piece: Buffer): Promise<void> {
    const { halfOpen, blackhole, cutAnswers, corrupt, delayMs = 0, bytesPerSecond } = this.fault;
    if (halfOpen === true || blackhole === true) return;
    if (cutAnswers === true) {
      client.resetAndDestroy();
      return;
    }
    if (corrupt === true) piece[0] = piece[0]! ^ 0x55;
    const waits = delayMs + (bytesPerSecond === undefined ? 0 : (piece.length / bytesPerSecond) * 1000);
    if (waits > 0) {
      upstream.pause();
      await new Promise((done) => setTimeout(done, waits));
      upstream.resume();
    }
    client.write(piece);
  }
}
