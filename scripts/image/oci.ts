// `node scripts/image/oci.ts [FOLDER]`: builds the images of the operator, of the module server, of the service of
// global limits and of the module itself as OCI image layouts, without a container engine. The programs' images contain this machine's Node and its
// shared libraries. `skopeo copy oci:FOLDER:operator docker://…` copies them to a registry.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { copyNeeds, needsOf } from './packages.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NONROOT = '65532:65532';
const MEDIA = 'application/vnd.oci.image';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** An OCI image layout (image-spec 1.1): blobs by digest, and an index of images by name. */
export class Layout {
  private readonly folder: string;
  private readonly manifests: Descriptor[] = [];

  /** `folder` is created anew. */
  constructor(folder: string) {
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, 'blobs/sha256'), { recursive: true });
    writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  private blob(bytes: Uint8Array, mediaType: string): Descriptor {
    const digest = sha256(bytes);
    writeFileSync(path.join(this.folder, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  private json(value: unknown, mediaType: string): Descriptor {
    return this.blob(Buffer.from(JSON.stringify(value)), mediaType);
  }

  /** Makes a layer of a folder. Equal content gives equal bytes: sorted names, no times, no owners. */
  layer(folder: string): { descriptor: Descriptor; diffId: string } {
    const tar = [
      'tar',
      '-C',
      folder,
      '--sort=name',
      '--mtime=@0',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u+rX,go+rX,go-w',
      '-c',
      '.',
    ]
      .map((part) => `'${part}'`)
      .join(' ');
    const bytes = execFileSync('sh', ['-c', `${tar} | gzip -n -6`], { maxBuffer: 1024 ** 3 });
    return { descriptor: this.blob(bytes, `${MEDIA}.layer.v1.tar+gzip`), diffId: sha256(gunzipSync(bytes)) };
  }

  /** Adds an image. Returns its digest. */
  image(name: string, layers: { descriptor: Descriptor; diffId: string }[], config: Record<string, unknown>): string {
    const described = this.json(
      {
        architecture: 'amd64',
        os: 'linux',
        config,
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      },
      `${MEDIA}.config.v1+json`,
    );
    const manifest = this.json(
      {
        schemaVersion: 2,
        mediaType: `${MEDIA}.manifest.v1+json`,
        config: described,
        layers: layers.map(({ descriptor }) => descriptor),
      },
      `${MEDIA}.manifest.v1+json`,
    );
    this.manifests.push({ ...manifest, annotations: { 'org.opencontainers.image.ref.name': name } });
    writeFileSync(
      path.join(this.folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, mediaType: `${MEDIA}.index.v1+json`, manifests: this.manifests }),
    );
    return manifest.digest;
  }
}

/** Copies the program with its shared libraries to the paths that they have here. */
function copyProgram(program: string, target: string, root: string): void {
  const libraries = [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(?:=>\s*)?(\/\S+) \(0x/g)]
    .map((match) => match[1] ?? '')
    .filter((file) => existsSync(file));
  for (const [source, name] of [[program, target], ...libraries.map((file) => [file, file])] as [string, string][]) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    copyFileSync(realpathSync(source), path.join(root, name));
  }
}

function built(layout: Layout, fill: (root: string) => void): ReturnType<Layout['layer']> {
  const root = mkdtempSync(path.join(tmpdir(), 'fim-layer-'));
  try {
    fill(root);
    return layout.layer(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function copyModules(root: string, target: string): void {
  mkdirSync(path.join(root, target), { recursive: true });
  for (const name of readdirSync(path.join(ROOT, 'build')).filter((entry) => entry.endsWith('.wasm')))
    copyFileSync(path.join(ROOT, 'build', name), path.join(root, target, name));
}

/** Makes the four images. Returns digests by name. */
export function makeImages(folder: string): Record<string, string> {
  const layout = new Layout(folder);
  const base = built(layout, (root) => {
    copyProgram(process.execPath, 'usr/bin/node', root);
    for (const name of ['tmp', 'etc/ssl/certs']) mkdirSync(path.join(root, name), { recursive: true });
    const authorities = '/etc/ssl/certs/ca-certificates.crt';
    if (existsSync(authorities)) copyFileSync(authorities, path.join(root, authorities));
    writeFileSync(path.join(root, 'etc/passwd'), 'nonroot:x:65532:65532::/tmp:/bin/false\n');
  });
  const program = (entry: string, modules = true): ReturnType<Layout['layer']> =>
    built(layout, (root) => {
      copyNeeds(needsOf([entry]), path.join(root, 'fim'));
      if (modules) copyModules(root, 'fim/modules');
    });
  const config = (ports: number[], ...command: string[]): Record<string, unknown> => ({
    User: NONROOT,
    WorkingDir: '/fim',
    Entrypoint: ['/usr/bin/node', ...command],
    ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
  });
  return {
    operator: layout.image(
      'operator',
      [base, program('istio/operator/main.ts')],
      config([8080], 'istio/operator/main.ts'),
    ),
    modules: layout.image(
      'modules',
      [base, program('istio/module-server/main.ts')],
      config([8080], 'istio/module-server/main.ts', '0.0.0.0:8080', '/fim/modules'),
    ),
    limits: layout.image(
      'limits',
      [base, program('services/limits/main.ts', false)],
      config([8081, 9465], 'services/limits/main.ts'),
    ),
    // Agents read `oci://` images as one layer with the module under this name.
    fim: layout.image(
      'fim',
      [built(layout, (root) => copyFileSync(path.join(ROOT, 'build/fim.wasm'), path.join(root, 'plugin.wasm')))],
      {},
    ),
  };
}

if (import.meta.main) {
  const folder = path.resolve(process.argv[2] ?? path.join(ROOT, 'build/oci'));
  if (!existsSync(path.join(ROOT, 'build/fim.wasm'))) throw new Error('there is no build/fim.wasm: npm run build');
  for (const [name, digest] of Object.entries(makeImages(folder)))
    process.stdout.write(`${name.padEnd(10)}${digest}\n`);
  process.stdout.write(`${readFileSync(path.join(folder, 'index.json')).length} bytes of index in ${folder}\n`);
}
