// Container images without a registry: one program of this machine with the libraries that it is linked to.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { getContainerRuntimeClient } from 'testcontainers';

const TAG = 'test';

/** The shared libraries that a program loads, and its loader; none for a static one. */
function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listed.matchAll(/(?:=>\s*)?(\/\S+) \(0x/g)]
    .map((match) => match[1] ?? '')
    .filter((file) => existsSync(file));
}

/** Imports an image named `repository`, whose entry point is a copy of `program`. Returns the image's name. */
export async function importImage(repository: string, program: string): Promise<string> {
  const root = mkdtempSync(path.join(tmpdir(), 'fim-image-'));
  const entry = `/usr/local/bin/${path.basename(program)}`;
  try {
    for (const folder of ['usr/local/bin', 'etc', 'fim', 'tmp'])
      mkdirSync(path.join(root, folder), { recursive: true });
    copyFileSync(realpathSync(program), path.join(root, entry));
    for (const library of librariesOf(program)) {
      mkdirSync(path.join(root, path.dirname(library)), { recursive: true });
      copyFileSync(realpathSync(library), path.join(root, library));
    }
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/false\n');
    writeFileSync(path.join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
    const { container } = await getContainerRuntimeClient();
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const answer = await container.dockerode.importImage(tar.stdout, {
      repo: repository,
      tag: TAG,
      changes: [`ENTRYPOINT ["${entry}"]`],
    });
    answer.resume();
    await finished(answer);
    return `${repository}:${TAG}`;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Removes an image; its containers must be gone. */
export async function removeImage(name: string): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  await container.dockerode.getImage(name).remove({ force: true });
}
