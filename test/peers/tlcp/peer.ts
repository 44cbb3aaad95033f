// The other end of connections of national TLS, of another implementation, in a child process that answers lines of JSON.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Oracle, pythonWithPeers } from '../sm2/oracles.ts';

const GMSSL_SOURCES = 'easy-gmssl==2.0.1';
const GMTLS = 'github.com/tjfoc/gmsm/gmtls@v1.4.1';
/** Sources of gotlcp and, beside it or from the module proxy, of the gmsm that it wants. */
export const GOTLCP_FOLDER = process.env['FIM_GOTLCP'] ?? '';

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
  /** By name for Tongsuo, by number for the others. */
  suite: string | number;
  ca: string;
  pair: readonly string[] | null;
  verify: boolean;
  tickets: boolean;
  /** It looks for no authorities to send with its own certificates, which costs it two verifications a handshake. */
  bare?: boolean;
  /** It keeps sessions for resumption by id; Tongsuo does anyway. */
  sessions?: boolean;
}

export class Peer {
  readonly name: string;
  private readonly oracle: Oracle;

  constructor(name: string, command: string, args: string[] = []) {
    this.name = name;
    this.oracle = new Oracle(command, args);
  }

  async ask<Result>(question: object): Promise<Result> {
    const { result, error } = JSON.parse(await this.oracle.ask(JSON.stringify(question))) as {
      result: Result;
      error?: string;
    };
    if (error !== undefined) throw new Error(`${this.name}: ${error}`);
    return result;
  }

  context(options: ContextOptions): Promise<number> {
    return this.ask({ op: 'context', ...options });
  }

  async open(context: number, session: number | null): Promise<PeerEnd> {
    const state = await this.ask<PeerState & { connection: number }>({ op: 'open', context, session });
    return new PeerEnd(this, state.connection, state);
  }

  end(): void {
    this.oracle.end();
  }
}

export class PeerEnd {
  private readonly peer: Peer;
  private readonly connection: number;
  last: PeerState;
  private out: string;
  plain = '';

  constructor(peer: Peer, connection: number, state: PeerState) {
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

  /** The connection is gone. */
  async forget(): Promise<void> {
    await this.peer.ask({ op: 'forget', connection: this.connection });
  }
}

export function tongsuo(): Peer {
  return new Peer('Tongsuo', pythonWithPeers(), [join(import.meta.dirname, 'tongsuo-peer.py')]);
}

/** Builds go/ with a library; `prepare` are commands of the shell in the folder of the build. */
function goProgram(name: string, prepare: string, tags: string): string {
  const folder = join(homedir(), '.cache/fim', `${name}-peer`);
  mkdirSync(folder, { recursive: true });
  for (const file of ['main.go', `${name}.go`]) {
    const source = join(import.meta.dirname, 'go', file);
    const copy = join(folder, file);
    // A copy that is the same stays as it is, so that nothing is built again.
    if (!existsSync(copy) || readFileSync(copy, 'utf8') !== readFileSync(source, 'utf8')) copyFileSync(source, copy);
  }
  const build = `${prepare} && go build ${tags} -o peer .`;
  const built = spawnSync('sh', ['-c', build], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${build}: ${built.stderr}`);
  return join(folder, 'peer');
}

/** gmtls of github.com/tjfoc/gmsm, by Go's module proxy. */
export function gmtls(): Peer {
  return new Peer('gmtls', goProgram('gmtls', `test -f go.mod || (go mod init peer && go get ${GMTLS})`, ''));
}

/** GmSSL, built by cmake from the sources that are in a package of Python. */
export function gmssl(): Peer {
  const python = pythonWithPeers();
  const folder = join(homedir(), '.cache/fim/gmssl-peer');
  const library = join(folder, 'build/bin/libgmssl.so');
  if (!existsSync(library)) {
    mkdirSync(folder, { recursive: true });
    const fetch = `"${python}" -m pip download --quiet --no-deps --no-binary :all: ${GMSSL_SOURCES} && tar xzf *.tar.gz`;
    const build = `cmake -S */easy_gmssl/Core/GmSSL-* -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build --target gmssl`;
    const built = spawnSync('sh', ['-c', `${fetch} && ${build}`], { cwd: folder, encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`GmSSL: ${built.stderr}`);
  }
  return new Peer('GmSSL', python, [join(import.meta.dirname, 'gmssl-peer.py'), library]);
}

/** gotlcp, from the folder FIM_GOTLCP, for it is in no module proxy; null: not given. */
export function gotlcp(): Peer | null {
  if (GOTLCP_FOLDER === '') return null;
  const cache = join(homedir(), '.cache/fim/gotlcp-peer');
  mkdirSync(cache, { recursive: true });
  const beside = join(GOTLCP_FOLDER, '../gmsm');
  const replaced = [`gitee.com/Trisia/gotlcp => ${GOTLCP_FOLDER}`];
  if (existsSync(beside)) replaced.push(`github.com/emmansun/gmsm => ${beside}`);
  const lines = replaced.map((one) => `replace ${one}\n`).join('');
  writeFileSync(join(cache, 'go.mod'), `module peer\ngo 1.25.0\nrequire gitee.com/Trisia/gotlcp v0.0.0\n${lines}`);
  return new Peer('gotlcp', goProgram('gotlcp', 'go mod tidy', '-tags gotlcp'));
}
