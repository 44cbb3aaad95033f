// Reads the response of a list item by item. It holds one item at a time and never the page.
import { MAX_ITEM_BYTES } from '../../limits.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Receiver of a list's metadata and items. */
export interface ListReader {
  /** Receives the text of one item. */
  onItem: (text: string) => void;
  /** Called for an item above MAX_ITEM_BYTES, which is skipped. */
  onLongItem: () => void;
}

/** Splits the text of a list into its items. Accepts chunks cut anywhere. Never throws on well-formed JSON. */
export class ListStream {
  private readonly reader: ListReader;
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** Member of the list that is being read, once its name is known. */
  private member = '';
  private nameParts: Buffer[] | undefined;
  private parts: Buffer[] = [];
  private held = 0;
  private tooLong = false;
  private capturing = false;
  /** Metadata of the list. Empty until it has arrived. */
  metadata = '';
  /** Bytes read so far. */
  bytes = 0;
  /** Items read so far. */
  items = 0;

  constructor(reader: ListReader) {
    this.reader = reader;
  }

  /** Whether the list is complete. */
  get isWhole(): boolean {
    return this.bytes > 0 && this.depth === 0 && !this.inString;
  }

  write(chunk: Buffer): void {
    this.bytes += chunk.length;
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.inString) {
        at = this.endOfString(chunk, at);
        continue;
      }
      const byte = chunk[at];
      if (byte === QUOTE) {
        this.inString = true;
        // Member name of the list itself, or a string value. The latest string before a colon is the name.
        if (this.depth === 1) {
          this.nameParts = [];
          from = at + 1;
        }
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (!this.capturing && this.beginsPart(byte)) from = this.begin(at);
        this.depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.depth--;
        if (this.capturing && this.depth === (this.member === 'items' ? 2 : 1)) this.end(chunk.subarray(from, at + 1));
      }
    }
    if (this.capturing) this.keep(chunk.subarray(from));
    else if (this.nameParts !== undefined && this.inString) this.nameParts.push(chunk.subarray(from));
  }

  /** Index of the string's end, or the length of the chunk. */
  private endOfString(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      if (this.escaped) this.escaped = false;
      else if (chunk[at] === BACKSLASH) this.escaped = true;
      else if (chunk[at] === QUOTE) {
        this.inString = false;
        if (this.nameParts !== undefined) this.endOfName(chunk, start, at);
        return at;
      }
    }
    return chunk.length;
  }

  private endOfName(chunk: Buffer, start: number, end: number): void {
    this.member = Buffer.concat([...(this.nameParts ?? []), chunk.subarray(start, end)]).toString('utf8');
    this.nameParts = undefined;
  }

  private beginsPart(byte: number): boolean {
    if (byte !== OPEN_BRACE) return false;
    return (this.depth === 1 && this.member === 'metadata') || (this.depth === 2 && this.member === 'items');
  }

  private begin(at: number): number {
    this.capturing = true;
    this.parts = [];
    this.held = 0;
    this.tooLong = false;
    return at;
  }

  private keep(part: Buffer): void {
    this.held += part.length;
    if (this.held > MAX_ITEM_BYTES) {
      this.tooLong = true;
      this.parts = [];
    } else this.parts.push(part);
  }

  private end(last: Buffer): void {
    this.keep(last);
    this.capturing = false;
    const isItem = this.member === 'items';
    if (isItem) this.items++;
    if (this.tooLong) {
      if (isItem) this.reader.onLongItem();
    } else {
      const text = (this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts)).toString('utf8');
      if (isItem) this.reader.onItem(text);
      else this.metadata = text;
    }
    this.parts = [];
  }
}
