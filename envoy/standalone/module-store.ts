import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedModule } from '../host/index.ts';
import { LoadError, loadModule } from '../host/index.ts';
import { CodedError, messageOf } from './coded-error.ts';

/** A loadable module in a file whose name changes with its content. */
export interface StoredModule {
  sha256: string;
  /** Absolute path that Envoy loads. */
  file: string;
  /** The compiled module, for the dry run. */
  loaded: LoadedModule;
}

/** A release of a module by name. */
export interface ModuleRelease {
  release: string;
  /** Hex. */
  sha256?: string;
}

/**
 * Keeps complete, checked copies of the modules that are or were in service. A half-written or broken file thus never
 * reaches Envoy.
 */
export class ModuleStore {
  private readonly source: string;
  private readonly folder: string;
  private readonly stored = new Map<string, StoredModule>();

  /** `source`: folder with `NAME.wasm` files. `folder`: place of the copies; the caller removes it. */
  constructor(source: string, folder: string) {
    this.source = source;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Current module from its file. Errors: FIM-UP-0009 (no file), FIM-UP-0010 (not a FIM module). */
  async load(name: string): Promise<StoredModule> {
    return this.read(`${name}.wasm`);
  }

  /**
   * Another release of a module, from its file beside it: `fim-v2.1.3.wasm`. Errors: those of `load`, FIM-UP-0073 (its
   * digest is not the one that is named).
   */
  async loadRelease(name: string, { release, sha256 }: ModuleRelease): Promise<StoredModule> {
    const file = `${name}-${release}.wasm`;
    const module = await this.read(file);
    if (sha256 !== undefined && module.sha256 !== sha256)
      throw new CodedError('FIM-UP-0073', `${join(this.source, file)} is ${module.sha256}`);
    return module;
  }

  /** A module that was in force before. `path`: of the file that was kept. Errors: those of `load`. */
  async loadKept(path: string): Promise<StoredModule> {
    return this.readFrom(path);
  }

  private async read(file: string): Promise<StoredModule> {
    return this.readFrom(join(this.source, file));
  }

  private async readFrom(path: string): Promise<StoredModule> {
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      throw new CodedError('FIM-UP-0009', `${path} (${error.code ?? error.message})`);
    });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const known = this.stored.get(sha256);
    if (known) return known;
    const module: StoredModule = { sha256, file: join(this.folder, `${sha256}.wasm`), loaded: check(bytes, path) };
    await writeFile(`${module.file}.partial`, bytes);
    await rename(`${module.file}.partial`, module.file);
    this.stored.set(sha256, module);
    return module;
  }

  /** Removes the copies that are not among `inUse`. */
  async prune(inUse: readonly StoredModule[]): Promise<void> {
    const keep = new Set(inUse.map((module) => module.sha256));
    for (const [sha256, module] of this.stored) {
      if (keep.has(sha256)) continue;
      this.stored.delete(sha256);
      await rm(module.file, { force: true });
    }
  }
}

function check(bytes: Buffer, path: string): LoadedModule {
  try {
    return loadModule(bytes);
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    throw new CodedError('FIM-UP-0010', `${path}: ${messageOf(error)}`);
  }
}
