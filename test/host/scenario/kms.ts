// The key management service of a scenario: a KV version 2 read, in whatever mood the scenario wants.
import type { HttpCall, HttpCallOutcome } from '../../../envoy/host/index.ts';
import type { Kms } from './format.ts';

const PREFIX = '/v1/secret/data/';

export class ScenarioKms {
  calls = 0;
  private state: Kms = {};

  /** Given members replace the previous ones. */
  change(kms: Kms): void {
    this.state = { ...this.state, ...kms };
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

  answer(call: HttpCall): HttpCallOutcome {
    this.calls++;
    const { mood = 'fine', afterMs = 1 } = this.state;
    if (typeof mood === 'object') return { status: mood.status, body: mood.text ?? '', afterMs };
    if (mood !== 'fine') return mood;
    if (call.cluster !== 'fim-kms') return 'unknown-cluster';
    const url = new URL(`http://kms${call.headers.get(':path')}`);
    if (call.headers.get(':method') !== 'GET' || !url.pathname.startsWith(PREFIX))
      return { status: 405, body: '{"errors":[]}', afterMs };
    return this.read(url.pathname.slice(PREFIX.length), url.searchParams.get('version'), afterMs);
  }

  private read(path: string, wanted: string | null, afterMs: number): HttpCallOutcome {
    const missing = { status: 404, headers: { 'content-type': 'application/json' }, body: '{"errors":[]}', afterMs };
    const versions = this.state.keys?.[path];
    if (versions === undefined) return missing;
    const version = wanted === null ? Math.max(...Object.keys(versions).map(Number)) : Number(wanted);
    const material = versions[String(version)];
    if (material === undefined) return missing;
    const data = { algorithm: 'SM4', material: Buffer.from(material, 'hex').toString('base64') };
    const metadata = { version, created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false };
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: { data, metadata } }),
      afterMs,
    };
  }
}
