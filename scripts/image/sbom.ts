// Bill of materials of the images in CycloneDX: the packages with their hashes, the modules, Node.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { needsOf } from './packages.ts';

const ENTRIES = ['istio/operator/main.ts', 'istio/module-server/main.ts'];

interface Component {
  type: 'library' | 'application' | 'file';
  name: string;
  version: string;
  purl?: string;
  licenses?: { license: { name: string } }[];
  hashes?: { alg: string; content: string }[];
}

interface Locked {
  packages: Record<string, { integrity?: string }>;
}

function hashesOf(integrity: string | undefined): Pick<Component, 'hashes'> {
  const [, content] = /^sha512-(.+)$/.exec(integrity ?? '') ?? [];
  return content === undefined
    ? {}
    : { hashes: [{ alg: 'SHA-512', content: Buffer.from(content, 'base64').toString('hex') }] };
}

function libraryOf(root: string, folder: string, { packages }: Locked): Component {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    name,
    version,
    purl,
    ...(typeof license === 'string' ? { licenses: [{ license: { name: license } }] } : {}),
    ...hashesOf(packages[folder]?.integrity),
  };
}

function modulesOf(root: string, version: string): Component[] {
  const folder = path.join(root, 'build');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.wasm'))
    .sort()
    .map((name) => ({
      type: 'file',
      name,
      version,
      hashes: [
        {
          alg: 'SHA-256',
          content: createHash('sha256')
            .update(readFileSync(path.join(folder, name)))
            .digest('hex'),
        },
      ],
    }));
}

/** Bill of materials of both programs' images, built from a checkout. */
export function billOfMaterials(root: string): object {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as Locked;
  const libraries = needsOf(ENTRIES).packages.map((folder) => libraryOf(root, folder, lock));
  const node: Component = {
    type: 'application',
    name: 'node',
    version: process.versions.node,
    purl: `pkg:generic/node@${process.versions.node}`,
  };
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'application', name: 'fim', version, licenses: [{ license: { name: 'Apache-2.0' } }] },
    },
    components: [node, ...modulesOf(root, version), ...libraries],
  };
}
