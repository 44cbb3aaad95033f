// `node scripts/image/release.ts IMAGES TARGET --registry REGISTRY [--public-key FILE]`: writes the manifests of an
// installation with the digests of images that `oci.ts` made, and their bill of materials. A remaining placeholder is
// an error: nothing is installed by a movable tag.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { billOfMaterials } from './sbom.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NO_DIGEST = `sha256:${'0'.repeat(64)}`;
const PLACEHOLDERS = [NO_DIGEST, 'REGISTRY', 'PUBLIC-KEY'];

export interface ReleaseOptions {
  /** Folder that `oci.ts` made. */
  images: string;
  /** Created anew. */
  target: string;
  /** Registry that the images are pushed to: `registry.bank.cn/fim`. */
  registry: string;
  /** PEM file of the key that signs images. Undefined: no policy on signatures. */
  publicKey: string | undefined;
}

function digestsOf(folder: string): Map<string, string> {
  const { manifests } = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8')) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  return new Map(
    manifests.map(({ digest, annotations = {} }) => [annotations['org.opencontainers.image.ref.name'] ?? '', digest]),
  );
}

/** Puts each image's digest into its entry. */
function withDigests(text: string, digests: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /( {2}- name: fim-(\w+)\n {4}newName: .*\n {4}digest: )\S+/g,
    (_, before: string, name: string) => {
      const digest = digests.get(name);
      if (digest === undefined) throw new Error(`the images have no ${name}`);
      return `${before}${digest}`;
    },
  );
}

/** Writes `TARGET/manifests`, `TARGET/crd` and `TARGET/sbom.cdx.json`. Throws if something is missing. */
export function writeRelease({ images, target, registry, publicKey }: ReleaseOptions): void {
  if (!/^[a-z0-9][a-z0-9.:/_-]*$/.test(registry)) throw new Error(`${registry} is no registry`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const folder of ['crd', 'manifests'])
    cpSync(path.join(ROOT, 'istio', folder), path.join(target, folder), { recursive: true });
  const production = path.join(target, 'manifests/production');
  const policy = path.join(production, 'image-policy.yaml');
  const digests = digestsOf(images);
  if (publicKey === undefined) rmSync(policy);
  for (const name of readdirSync(production)) {
    const file = path.join(production, name);
    const key = (publicKey ?? '').trim().split('\n').join('\n          ');
    const text = withDigests(readFileSync(file, 'utf8'), digests)
      .replaceAll(/^#.*\n/gm, '')
      .replaceAll('REGISTRY', registry)
      .replaceAll('PUBLIC-KEY', key);
    const left = PLACEHOLDERS.find((placeholder) => text.includes(placeholder));
    if (left !== undefined) throw new Error(`${name} still has ${left}`);
    writeFileSync(file, text);
  }
  writeFileSync(path.join(target, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(ROOT), null, 2)}\n`);
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { registry: { type: 'string' }, 'public-key': { type: 'string' } },
  });
  const [images, target] = positionals;
  if (images === undefined || target === undefined || values.registry === undefined)
    throw new Error('usage: node scripts/image/release.ts IMAGES TARGET --registry REGISTRY [--public-key FILE]');
  writeRelease({
    images,
    target,
    registry: values.registry,
    publicKey: values['public-key'] === undefined ? undefined : readFileSync(values['public-key'], 'utf8'),
  });
  process.stdout.write(`kubectl apply -k ${path.join(target, 'manifests/production')}\n`);
}
