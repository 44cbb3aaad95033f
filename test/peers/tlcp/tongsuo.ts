// Tongsuo's end of a connection, in a child process.
import { join } from 'node:path';
import { Oracle, pythonWithPeers } from '../sm2/oracles.ts';

export interface PeerState {
  out: string;
  plain: string;
  state: 'handshake' | 'open' | 'closed' | 'failed';
  error: string;
  suite: number;
  resumed: boolean;
  /** Processor time of the library in this connection. */
  nanos: number;
}

export interface ContextOptions {
  server: boolean;
  suite: string;
  ca: string;
  pair: readonly string[] | null;
  verify: boolean;
  tickets: boolean;
  /** It looks for no authorities to send with its own certificates, which costs it two verifications a handshake. */
  bare?: boolean;
}

export class Tongsuo {
  private readonly oracle = new Oracle(pythonWithPeers(), [join(import.meta.dirname, 'tongsuo-peer.py')]);

  async ask<Result>(question: object): Promise<Result> {
    const { result, error } = JSON.parse(await this.oracle.ask(JSON.stringify(question))) as {
      result: Result;
      error?: string;
    };
    if (error !== undefined) throw new Error(`Tongsuo: ${error}`);
    return result;
  }

  context(options: ContextOptions): Promise<number> {
    return this.ask({ op: 'context', ...options });
  }

  async open(context: number, session: number | null): Promise<TongsuoEnd> {
    const state = await this.ask<PeerState & { connection: number }>({ op: 'open', context, session });
    return new TongsuoEnd(this, state.connection, state);
  }

  end(): void {
    this.oracle.end();
  }
}

export class TongsuoEnd {
  private readonly peer: Tongsuo;
  private readonly connection: number;
  last: PeerState;
  private out: string;
  plain = '';

  constructor(peer: Tongsuo, connection: number, state: PeerState) {
    this.peer = peer;
    this.connection = connection;
    this.last = state;
    this.out = state.out;
  }

  takeOutput(): Buffer {
    const bytes = Buffer.from(this.out, 'hex');
    this.out = '';
    return bytes;
  }

  async act(op: 'feed' | 'write' | 'close' | 'renegotiate', data: Uint8Array = new Uint8Array(0)): Promise<void> {
    const question = { op, connection: this.connection, data: Buffer.from(data).toString('hex') };
    this.last = await this.peer.ask<PeerState>(question);
    this.out += this.last.out;
    this.plain += this.last.plain;
  }

  session(): Promise<number> {
    return this.peer.ask<number>({ op: 'session', connection: this.connection });
  }
}
