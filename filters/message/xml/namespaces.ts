// Namespaces in XML 1.0: bindings of prefixes. One table holds the bindings in scope, innermost last.
import { MAX_XML_NAMESPACES } from '../../limits';
import { equalBytes } from '../../memory/bytes';
import { ErrorId } from '../../errors.gen';

/** Binding of names without a namespace, and of the prefix `xml`. */
export const NO_NAMESPACE: u32 = 0;
const XML_NAMESPACE: u32 = 1;
/** Result of `resolve` for an unbound prefix. */
export const UNBOUND: u32 = 0xffffffff;

// "xml", "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"
const XML: usize = memory.data<u8>([120, 109, 108]);
const XML_URI: usize = memory.data<u8>([
  104, 116, 116, 112, 58, 47, 47, 119, 119, 119, 46, 119, 51, 46, 111, 114, 103, 47, 88, 77, 76, 47, 49, 57, 57, 56, 47,
  110, 97, 109, 101, 115, 112, 97, 99, 101,
]);
const XML_URI_BYTES: u32 = 36;
const XMLNS: usize = memory.data<u8>([120, 109, 108, 110, 115]);
const XMLNS_URI: usize = memory.data<u8>([
  104, 116, 116, 112, 58, 47, 47, 119, 119, 119, 46, 119, 51, 46, 111, 114, 103, 47, 50, 48, 48, 48, 47, 120, 109, 108,
  110, 115, 47,
]);
const XMLNS_URI_BYTES: u32 = 29;

// A binding: prefix and its length (0: the default namespace), URI and its length.
const ENTRY_SHIFT: u32 = 4;
const URI: usize = 8;
const TABLE: usize = memory.data(<i32>((MAX_XML_NAMESPACES + 2) << ENTRY_SHIFT), 16);

function same(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  return aLength == bLength && equalBytes(a, b, aLength);
}

/** Whether a name is the prefix `xmlns`, which marks declarations. */
export function isXmlns(name: usize, length: u32): bool {
  return same(name, length, XMLNS, 5);
}

export class Namespaces {
  /** Number of bindings in scope. An element that ends removes its own with `leave`. */
  count: u32 = 2;
  /** Binding of names without prefix. */
  byDefault: u32 = NO_NAMESPACE;

  begin(): void {
    this.count = 2;
    this.byDefault = NO_NAMESPACE;
    memory.fill(TABLE, 0, 1 << ENTRY_SHIFT);
    // The empty name of no namespace has an address, because a text at 0 is no text.
    store<usize>(TABLE, XML_URI, URI);
    this.put(XML_NAMESPACE, XML, 3, XML_URI, XML_URI_BYTES);
  }

  /** Restores `count` and `byDefault` to their values at an element's start. */
  leave(count: u32, byDefault: u32): void {
    this.count = count;
    this.byDefault = byDefault;
  }

  private put(index: u32, prefix: usize, prefixLength: u32, uri: usize, uriLength: u32): void {
    const entry = TABLE + ((<usize>index) << ENTRY_SHIFT);
    store<usize>(entry, prefix);
    store<u32>(entry, prefixLength, 4);
    store<usize>(entry, uri, URI);
    store<u32>(entry, uriLength, URI + 4);
  }

  /**
   * Binds a prefix (length 0: the default namespace). Returns 0, FIM-XML-0007 if the binding is not allowed (section
   * 3), FIM-XML-0010 if there are too many.
   */
  bindPrefix(prefix: usize, prefixLength: u32, uri: usize, uriLength: u32): u32 {
    const isXml = same(prefix, prefixLength, XML, 3);
    if (isXml != same(uri, uriLength, XML_URI, XML_URI_BYTES)) return ErrorId.FIM_XML_0007;
    if (isXmlns(prefix, prefixLength) || same(uri, uriLength, XMLNS_URI, XMLNS_URI_BYTES)) return ErrorId.FIM_XML_0007;
    if (prefixLength != 0 && uriLength == 0) return ErrorId.FIM_XML_0007;
    if (this.count >= MAX_XML_NAMESPACES + 2) return ErrorId.FIM_XML_0010;
    if (prefixLength == 0) this.byDefault = this.count;
    this.put(this.count++, prefix, prefixLength, uri, uriLength);
    return 0;
  }

  /** Binding of a non-empty prefix, or UNBOUND. */
  resolve(prefix: usize, length: u32): u32 {
    for (let i = this.count - 1; i != NO_NAMESPACE; i--) {
      const entry = TABLE + ((<usize>i) << ENTRY_SHIFT);
      if (load<u32>(entry, 4) == length && equalBytes(load<usize>(entry), prefix, length)) return i;
    }
    return UNBOUND;
  }

  /** Whether two bindings are of the same namespace. */
  agree(a: u32, b: u32): bool {
    return a == b || same(this.uri(a), this.uriLength(a), this.uri(b), this.uriLength(b));
  }

  /** Name of a binding's namespace. Its length is 0 for none. */
  uri(binding: u32): usize {
    return load<usize>(TABLE + ((<usize>binding) << ENTRY_SHIFT), URI);
  }

  uriLength(binding: u32): u32 {
    return load<u32>(TABLE + ((<usize>binding) << ENTRY_SHIFT), URI + 4);
  }
}
