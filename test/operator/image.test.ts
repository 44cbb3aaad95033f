// Images without a container engine: what the operator needs is in them, and every digest is that of its bytes.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Layout } from '../../scripts/image/oci.ts';
import { copyNeeds, needsOf } from '../../scripts/image/packages.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'fim-image-test-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('the images', () => {
  it('hold all that each program needs to start, and nothing of the tests', (t) => {
    for (const [entry, usage] of [
      ['istio/operator/main.ts', /--modules and --module-url are needed/],
      ['istio/module-server/main.ts', /usage/],
      ['services/limits/main.ts', /--store is redis:/],
    ] as const) {
      const target = folder(t);
      const needs = needsOf([entry]);
      copyNeeds(needs, target);
      assert.ok(needs.files.every((file) => !/^(test|scripts|bench)\//.test(file)));
      const { status, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
        cwd: target,
        encoding: 'utf8',
        env: { FIM_LIMITS_STORE: 'memcached://127.0.0.1' },
      });
      assert.equal(status, 2, stderr);
      assert.match(stderr, usage);
    }
    assert.deepEqual(needsOf(['istio/module-server/main.ts']).packages, [], 'the module server has no dependency');
  });

  it('are layouts whose digests are those of their bytes, the same for the same content', (t) => {
    const [content, out] = [folder(t), folder(t)];
    mkdirSync(path.join(content, 'fim'));
    writeFileSync(path.join(content, 'fim/plugin.wasm'), 'module');
    const digests = ['one', 'two'].map((name) => {
      const layout = new Layout(path.join(out, name));
      return layout.image('fim', [layout.layer(content)], { User: '65532:65532' });
    });
    assert.equal(digests[0], digests[1]);
    const read = (digest: string): Buffer => {
      const bytes = readFileSync(path.join(out, 'one/blobs/sha256', digest.slice(7)));
      assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
      return bytes;
    };
    const index = JSON.parse(readFileSync(path.join(out, 'one/index.json'), 'utf8')) as {
      manifests: { digest: string; size: number }[];
    };
    const manifest = JSON.parse(read(index.manifests[0]!.digest).toString()) as {
      config: { digest: string };
      layers: { digest: string }[];
    };
    const config = JSON.parse(read(manifest.config.digest).toString()) as { rootfs: { diff_ids: string[] } };
    const tar = execFileSync('gunzip', { input: read(manifest.layers[0]!.digest) });
    assert.equal(config.rootfs.diff_ids[0], `sha256:${createHash('sha256').update(tar).digest('hex')}`);
    assert.match(execFileSync('tar', ['-tf', '-'], { input: tar, encoding: 'utf8' }), /fim\/plugin\.wasm/);
  });
});
