// Attributes of one start tag (3.1), including namespace declarations.
import { Ascii } from '../../memory/ascii';
import { MAX_XML_ATTRIBUTES } from '../../limits';
import { Arena } from '../../memory/arena';
import { equalBytes, hashBytes } from '../../memory/bytes';
import { ErrorId } from '../../errors.gen';
import { isNameStart, nameEnd } from './names';
import { isXmlns, Namespaces, NO_NAMESPACE, UNBOUND } from './namespaces';
import { fail, isSpace, scanDecodes, scanValue, skipSpace } from './scan';
import { decodeValue } from './text';

// An attribute: address and length of its name as written, length of its prefix (0: none), address and length of its
// value, hash of the name, and the binding of the prefix; DECLARES for a namespace declaration.
const ENTRY_SHIFT: u32 = 5;
const LENGTH: usize = 4;
const PREFIX: usize = 8;
const VALUE: usize = 12;
const VALUE_LENGTH: usize = 16;
const HASH: usize = 20;
const BINDING: usize = 24;
const TABLE: usize = memory.data(<i32>(MAX_XML_ATTRIBUTES << ENTRY_SHIFT), 16);
const DECLARES: u32 = 0xfffffffe;

// @ts-ignore: decorator
@inline
function entryAt(index: u32): usize {
  return TABLE + ((<usize>index) << ENTRY_SHIFT);
}

export class Attributes {
  /** Attributes of the last tag, including declarations. */
  count: u32 = 0;
  /** Attributes of the last tag without declarations. */
  fields: u32 = 0;

  /** Forgets the previous tag. */
  clear(): void {
    this.count = 0;
    this.fields = 0;
  }

  /**
   * Reads from after the element's name to the `>` or `/` that ends the tag. Passes declarations to `namespaces`.
   * Returns 0 after an error.
   */
  scan(p: usize, end: usize, namespaces: Namespaces, arena: Arena): usize {
    this.clear();
    while (true) {
      const name = skipSpace(p, end);
      if (name >= end) return fail(ErrorId.FIM_XML_0002, end);
      const byte = load<u8>(name);
      if (byte == Ascii.Greater || byte == Ascii.Slash) return this.bind(name, namespaces);
      if (name == p) return fail(ErrorId.FIM_XML_0001, p);
      p = this.one(name, end, namespaces, arena);
      if (p == 0) return 0;
    }
  }

  /** Reads one attribute. Returns the address after its closing quote. */
  private one(name: usize, end: usize, namespaces: Namespaces, arena: Arena): usize {
    if (this.count >= MAX_XML_ATTRIBUTES) return fail(ErrorId.FIM_XML_0010, name);
    if (!isNameStart(name, end)) return fail(ErrorId.FIM_XML_0001, name);
    let after = nameEnd(name, end);
    let prefix: u32 = 0;
    if (after < end && load<u8>(after) == Ascii.Colon) {
      prefix = <u32>(after - name);
      if (after + 1 >= end) return fail(ErrorId.FIM_XML_0002, end);
      if (!isNameStart(after + 1, end)) return fail(ErrorId.FIM_XML_0007, after);
      after = nameEnd(after + 1, end);
    }
    const length = <u32>(after - name);
    let p = skipSpace(after, end);
    if (p >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (load<u8>(p) != Ascii.Equals)
      return fail(load<u8>(p) == Ascii.Colon ? ErrorId.FIM_XML_0007 : ErrorId.FIM_XML_0001, p);
    p = skipSpace(p + 1, end);
    if (p >= end) return fail(ErrorId.FIM_XML_0002, end);
    const quote = <u32>load<u8>(p);
    if (quote != Ascii.Quote && quote != Ascii.Apostrophe) return fail(ErrorId.FIM_XML_0001, p);
    const close = scanValue(p + 1, end, quote);
    if (close == 0) return 0;
    let value = p + 1;
    let valueLength = <u32>(close - value);
    if (scanDecodes) {
      const copy = arena.allocate(valueLength);
      if (copy == 0) return fail(ErrorId.FIM_RT_0006, name);
      valueLength = decodeValue(value, close, copy);
      value = copy;
    }
    const entry = entryAt(this.count);
    store<usize>(entry, name);
    store<u32>(entry, length, LENGTH);
    store<u32>(entry, prefix, PREFIX);
    store<usize>(entry, value, VALUE);
    store<u32>(entry, valueLength, VALUE_LENGTH);
    store<u32>(entry, hashBytes(name, length), HASH);
    if (this.isTwice(entry)) return fail(ErrorId.FIM_XML_0008, name);
    this.count++;
    return this.takeDeclaration(entry, namespaces) ? close + 1 : 0;
  }

  /** Whether an earlier attribute has the same name as written. */
  private isTwice(entry: usize): bool {
    const length = load<u32>(entry, LENGTH);
    const hash = load<u32>(entry, HASH);
    for (let other = TABLE; other < entry; other += 1 << ENTRY_SHIFT) {
      if (load<u32>(other, HASH) != hash || load<u32>(other, LENGTH) != length) continue;
      if (equalBytes(load<usize>(other), load<usize>(entry), length)) return true;
    }
    return false;
  }

  /** Passes a declaration to the namespaces. Only counts other attributes. False after an error. */
  private takeDeclaration(entry: usize, namespaces: Namespaces): bool {
    const name = load<usize>(entry);
    const length = load<u32>(entry, LENGTH);
    const prefix = load<u32>(entry, PREFIX);
    const declares = isXmlns(name, prefix == 0 ? length : prefix);
    store<u32>(entry, declares ? DECLARES : NO_NAMESPACE, BINDING);
    if (!declares) {
      this.fields++;
      return true;
    }
    const bound = prefix == 0 ? 0 : length - prefix - 1;
    const error = namespaces.bindPrefix(
      name + length - bound,
      bound,
      load<usize>(entry, VALUE),
      load<u32>(entry, VALUE_LENGTH),
    );
    if (error != 0) fail(error, name);
    return error == 0;
  }

  /**
   * Resolves the prefixes once all declarations are known. Refuses two names that are equal after resolution
   * (Namespaces 6.3).
   */
  private bind(p: usize, namespaces: Namespaces): usize {
    if (this.fields == 0) return p;
    for (let i: u32 = 0; i < this.count; i++) {
      const entry = entryAt(i);
      const prefix = load<u32>(entry, PREFIX);
      if (prefix == 0 || load<u32>(entry, BINDING) == DECLARES) continue;
      const binding = namespaces.resolve(load<usize>(entry), prefix);
      if (binding == UNBOUND) return fail(ErrorId.FIM_XML_0007, load<usize>(entry));
      store<u32>(entry, binding, BINDING);
      for (let other = TABLE; other < entry; other += 1 << ENTRY_SHIFT) {
        const otherBinding = load<u32>(other, BINDING);
        if (otherBinding == DECLARES || otherBinding == NO_NAMESPACE || !namespaces.agree(binding, otherBinding))
          continue;
        if (sameLocal(entry, other)) return fail(ErrorId.FIM_XML_0008, load<usize>(entry));
      }
    }
    return p;
  }

  /** Whether the `index`-th attribute is a declaration. */
  declares(index: u32): bool {
    return load<u32>(entryAt(index), BINDING) == DECLARES;
  }

  name(index: u32): usize {
    return load<usize>(entryAt(index));
  }

  nameLength(index: u32): u32 {
    return load<u32>(entryAt(index), LENGTH);
  }

  value(index: u32): usize {
    return load<usize>(entryAt(index), VALUE);
  }

  valueLength(index: u32): u32 {
    return load<u32>(entryAt(index), VALUE_LENGTH);
  }
}

function sameLocal(a: usize, b: usize): bool {
  const skipA = load<u32>(a, PREFIX) + 1;
  const skipB = load<u32>(b, PREFIX) + 1;
  const length = load<u32>(a, LENGTH) - skipA;
  return length == load<u32>(b, LENGTH) - skipB && equalBytes(load<usize>(a) + skipA, load<usize>(b) + skipB, length);
}
