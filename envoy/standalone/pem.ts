// Reads PEM (RFC 7468) block by block, as the modules do (filters/crypto/pem.ts). Text around blocks, white space
// before a line and a byte order mark are ignored.

/** A block of a PEM text. */
export interface PemBlock {
  label: string;
  /** Null if it is malformed, has headers, or is empty. */
  der: Buffer | null;
}

const BEGIN = '-----BEGIN ';
const END = '-----END ';
const DASHES = '-----';
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'; // as latin1 decodes it

/** Bytes of padded base64 (RFC 4648, 4). Null if the text is not base64. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') === text) return bytes;
  bytes.fill(0);
  return null;
}

/** Whether all bytes are printable ASCII or white space. */
export function isText(bytes: Buffer): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d));
}

/** Text without white space. */
export function withoutSpace(text: string): string {
  return text.replaceAll(/[\t-\r ]+/g, '');
}

/** Blocks of a text, in order. */
export function pemBlocks(bytes: Buffer): PemBlock[] {
  const text = bytes.toString('latin1');
  const found: PemBlock[] = [];
  let at = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  while (at < text.length) {
    while (at < text.length && ' \t\n\v\f\r'.includes(text[at]!)) at++;
    if (!text.startsWith(BEGIN, at)) {
      at = after(text, '\n', at, 1);
      continue;
    }
    const start = at + BEGIN.length;
    const label = text.slice(start, after(text, '-', start));
    const body = after(text, '\n', start, 1);
    at = after(text, '-', body);
    const closing = `${END}${label}${DASHES}`;
    const isWhole = text.startsWith(DASHES, start + label.length) && text.startsWith(closing, at);
    const der = isWhole ? fromBase64(withoutSpace(text.slice(body, at))) : null;
    found.push({ label, der: der !== null && der.length > 0 ? der : null });
    if (isWhole) at += closing.length;
  }
  return found;
}

/** Position of the next such character plus `further`, or the end. */
function after(text: string, character: string, from: number, further = 0): number {
  const at = text.indexOf(character, from);
  return at < 0 ? text.length : at + further;
}
