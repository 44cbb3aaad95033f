import { request } from 'node:http';
import type { Harness } from './harness.ts';

/** A command as `fim canary` sends it. */
export async function control(
  { stack }: Harness,
  method: string,
  path: string,
): Promise<{ status: number; body: any }> {
  return new Promise((done, failed) => {
    const asked = request({ socketPath: stack.control!, method, path }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => done({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    asked.on('error', failed).end();
  });
}
