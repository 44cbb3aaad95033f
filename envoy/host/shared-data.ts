// Process-wide table that all VMs of one vm_id share. It has no expiry and no delete, as in Envoy.

interface Entry {
  value: Buffer;
  cas: number;
}

export class SharedData {
  private readonly tables = new Map<string, Map<string, Entry>>();
  private lastCas = 0;

  get(vmId: string, key: string): Entry | undefined {
    return this.tables.get(vmId)?.get(key);
  }

  /** False on a CAS mismatch. `cas` 0 overwrites any value. An absent key is created whatever `cas` is. */
  set(vmId: string, key: string, value: Buffer, cas: number): boolean {
    let table = this.tables.get(vmId);
    if (table === undefined) this.tables.set(vmId, (table = new Map()));
    const present = table.get(key);
    if (present !== undefined && cas !== 0 && cas !== present.cas) return false;
    table.set(key, { value: Buffer.from(value), cas: ++this.lastCas });
    return true;
  }

  /** Keys of one VM id, for tests. */
  keys(vmId: string): string[] {
    return [...(this.tables.get(vmId)?.keys() ?? [])];
  }

  /** Size of all values of one VM id, bytes. */
  bytes(vmId: string): number {
    let sum = 0;
    for (const entry of this.tables.get(vmId)?.values() ?? []) sum += entry.value.length;
    return sum;
  }
}
