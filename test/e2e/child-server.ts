// A server in its own process. It prints its port in its first line and ends when its input ends.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ChildServer {
  port: number;
  stop(): Promise<void>;
}

/** Starts a server; throws with what it said if it ends before it says a port. */
export async function startServer(command: string, args: readonly string[], cwd?: string): Promise<ChildServer> {
  const child = spawn(command, args, { cwd });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const port = await new Promise<number>((done, failed) => {
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
      const line = /^(\d+)\s*\n/.exec(said);
      if (line !== null) done(Number(line[1]));
    });
    child.once('error', failed).once('exit', () => failed(new Error(`${command} ${args.join(' ')} ended: ${errors}`)));
  });
  return { port, stop: () => end(child) };
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.stdin.end();
  await ended;
}
