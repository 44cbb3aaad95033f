import { Bytes } from '../../../filters/memory/bytes';
import { NameSet } from '../../../filters/runtime/headers';

const NAMES: StaticArray<Bytes> = [Bytes.from('x-host'), Bytes.from('script-name'), Bytes.from('x-rewrite-url')];
const MANY: StaticArray<Bytes> = [Bytes.from('x-forwarded-host')];
const set: NameSet = new NameSet().add(NAMES).add(MANY);

function mayHold(name: string): bool {
  const bytes = Bytes.from(name);
  return set.mayHold(bytes.pointer, bytes.length);
}

describe('NameSet', () => {
  it('may hold each of its names', () => {
    for (let i = 0; i < NAMES.length; i++) expect<bool>(set.mayHold(NAMES[i].pointer, NAMES[i].length)).toBe(true);
    expect<bool>(mayHold('x-forwarded-host')).toBe(true);
  });

  it('may hold them with underscores', () => {
    expect<bool>(mayHold('x_host')).toBe(true);
    expect<bool>(mayHold('X_Forwarded-Host')).toBe(true);
  });

  it('holds none of what Envoy adds to every request', () => {
    expect<bool>(mayHold(':authority')).toBe(false);
    expect<bool>(mayHold(':path')).toBe(false);
    expect<bool>(mayHold('x-request-id')).toBe(false);
    expect<bool>(mayHold('x-forwarded-proto')).toBe(false);
    expect<bool>(mayHold('x-forwarded-for')).toBe(false);
  });

  it('holds no empty name and none that is longer than all of its own', () => {
    expect<bool>(set.mayHold(0, 0)).toBe(false);
    expect<bool>(mayHold('x-host-x-host-x-host-x-host-host')).toBe(false);
    expect<bool>(mayHold('x-host-x-host-x-host-x-host-x-host-x-host-x-host')).toBe(false);
  });
});
