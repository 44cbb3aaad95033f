// Other SM2 implementations as child processes that answer one line for each question, installed on first use into the
// cache folder.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CACHE = join(homedir(), '.cache/fim/sm2-peers');
const WHEELS = ['tongsuopy-crayon==1.0.2b6', 'gmssl-pyx==2.1.0'];
const BOUNCY_CASTLE = 'bcprov-jdk18on';
const BOUNCY_CASTLE_VERSION = '1.80';

/** Key material is hex: the scalar, and the point as 0x04 ‖ x ‖ y. */
export interface Keys {
  secret: string;
  public: string;
}

function run(command: string, args: string[]): void {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd: CACHE });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
}

/** Path of a Python that has Tongsuo and GmSSL. */
export function pythonWithPeers(): string {
  const python = join(CACHE, 'venv/bin/python');
  const done = join(CACHE, 'venv/lib');
  if (existsSync(python) && spawnSync(python, ['-c', 'import tongsuopy, gmssl_pyx']).status === 0) return python;
  mkdirSync(CACHE, { recursive: true });
  run('python3', ['-m', 'venv', 'venv']);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...WHEELS]);
  if (!existsSync(done)) throw new Error('no virtual environment was made');
  return python;
}

/** Path of BouncyCastle's jar, fetched by Maven. */
export function bouncyCastle(): string {
  const jar = join(CACHE, `${BOUNCY_CASTLE}-${BOUNCY_CASTLE_VERSION}.jar`);
  if (existsSync(jar)) return jar;
  mkdirSync(CACHE, { recursive: true });
  run('mvn', [
    '-q',
    '-B',
    'dependency:copy',
    `-Dartifact=org.bouncycastle:${BOUNCY_CASTLE}:${BOUNCY_CASTLE_VERSION}`,
    `-DoutputDirectory=${CACHE}`,
  ]);
  return jar;
}

/** A child that answers each line with a line, in order. */
export class Oracle {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  private errors = '';
  private hasEnded = false;

  constructor(command: string, args: string[]) {
    this.child = spawn(command, args);
    this.child.stderr.on('data', (text: Buffer) => {
      this.errors += text.toString();
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.waiting.shift()?.resolve(line));
    this.child.on('exit', () => {
      this.hasEnded = true;
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`the oracle ended: ${this.errors}`));
    });
  }

  ask(line: string): Promise<string> {
    if (this.hasEnded) return Promise.reject(new Error(`the oracle has ended: ${this.errors}`));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin.write(`${line}\n`);
    });
  }

  /** Asks in JSON; undefined if the oracle refuses. */
  async askJson(question: object): Promise<string | boolean | undefined> {
    return (JSON.parse(await this.ask(JSON.stringify(question))) as { result?: string | boolean }).result;
  }

  /** Asks BouncyCastle; undefined if it refuses. */
  async askFields(
    operation: string,
    keys: Partial<Keys>,
    id: Buffer,
    data: Buffer,
    signature?: Buffer,
  ): Promise<string | undefined> {
    const fields = [
      operation,
      keys.secret,
      keys.public,
      id.toString('hex'),
      data.toString('hex'),
      signature?.toString('hex'),
    ];
    const reply = await this.ask(fields.map((field) => field || '-').join(' '));
    return reply.startsWith('= ') ? reply.slice(2) : undefined;
  }

  end(): void {
    this.child.stdin.end();
    this.child.kill();
  }
}
