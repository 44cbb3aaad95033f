// The key service of a scenario: what the scenario says of it, step by step.
import { type KeyVersion, stored, TestKms } from '../../kms/test-kms.ts';
import type { Kms } from './format.ts';

export class ScenarioKms {
  readonly service = new TestKms();
  private state: Kms = {};

  constructor() {
    this.service.fault = ({ cluster }) => {
      const { mood = 'fine' } = this.state;
      if (typeof mood === 'object') return { status: mood.status, body: mood.text ?? '' };
      if (mood !== 'fine') return mood;
      return cluster === 'fim-kms' ? undefined : 'unknown-cluster';
    };
  }

  get calls(): number {
    return this.service.asked.length;
  }

  /** Given members replace the previous ones. */
  change(kms: Kms): void {
    this.state = { ...this.state, ...kms };
    this.service.afterMs = this.state.afterMs ?? 1;
    this.service.keys.clear();
    for (const [path, versions] of Object.entries(this.state.keys ?? {})) {
      const entries = Object.entries(versions).map(([version, hex]): [string, KeyVersion] => [
        version,
        { ...stored('SM4', Buffer.from(hex, 'hex')), metadata: { created_time: '2026-01-01T00:00:00Z' } },
      ]);
      this.service.keys.set(path, Object.fromEntries(entries));
    }
  }

  /** Key material in every form that must not show up anywhere. */
  secrets(): string[] {
    return Object.values(this.state.keys ?? {}).flatMap((versions) =>
      Object.values(versions).flatMap((hex) => [hex, Buffer.from(hex, 'hex').toString('base64')]),
    );
  }

  /** 16 bytes of a key; version 0 means the newest. Throws if the scenario does not define it. */
  material(key: string, version = 0): { version: number; material: Buffer } {
    const versions = this.state.keys?.[key.replace('kms://', '')];
    const newest = Math.max(...Object.keys(versions ?? {}).map(Number));
    const hex = versions?.[String(version === 0 ? newest : version)];
    if (hex === undefined) throw new Error(`the scenario's KMS has no ${key} version ${version}`);
    return { version: version === 0 ? newest : version, material: Buffer.from(hex, 'hex') };
  }
}
