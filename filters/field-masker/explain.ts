// Explains masking on the log, where a configuration asks for it: one line for each value that is hidden. No line holds
// what was there; `becomes` is what goes on.
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { FieldTree } from '../message/field-tree';
import { LogLevel } from '../runtime/abi';
import { log } from '../runtime/host';
import { KIND_LABELS, METHOD_LABELS } from './labels.gen';
import { Mask } from './method/mask';
import { MaskNotes } from './notes';

const FIRST_BYTES: usize = 512;

export class LogNotes extends MaskNotes {
  private readonly line: Writer = new Writer(scratch);
  /** Pointers of the texts whose inner messages are masked, one behind the other. */
  private readonly outer: Writer = new Writer(scratch);
  private readonly place: Writer = new Writer(scratch);
  private from: u32 = 0;
  private to: u32 = 0;
  private depth: u32 = 0;

  hidden(document: FieldTree, node: u32, mask: Mask, becomes: usize, length: u32): void {
    this.at(document, node, document.start(node), document.end(node));
    this.write(mask, 0, becomes, length);
  }

  outside(where: string, name: Span, mask: Mask, text: Writer | null): void {
    this.place.begin(FIRST_BYTES);
    this.place.ascii(where);
    this.place.bytes(name.pointer, name.length);
    this.from = 0;
    this.to = 0;
    this.write(mask, 0, text == null ? 0 : text.pointer, text == null ? 0 : text.length);
  }

  at(document: FieldTree, node: u32, from: u32, to: u32): void {
    this.place.begin(FIRST_BYTES);
    this.from = from;
    this.to = to;
    const pointer = node == 0 ? 0 : document.pointer(node, scratch);
    if (pointer != 0) this.place.bytes(pointer, document.pointerLength);
  }

  found(mask: Mask, why: u32, becomes: usize, length: u32): void {
    this.write(mask, why, becomes, length);
  }

  enter(document: FieldTree, node: u32): void {
    if (this.depth == 0) this.outer.begin(FIRST_BYTES);
    this.depth++;
    const pointer = document.pointer(node, scratch);
    if (pointer != 0) this.outer.bytes(pointer, document.pointerLength);
    this.outer.byte(33); // the pointer goes on inside the text
  }

  leave(): void {
    if (--this.depth == 0) this.outer.rewind(0);
  }

  private write(mask: Mask, why: u32, becomes: usize, length: u32): void {
    const line = this.line;
    line.begin(FIRST_BYTES);
    line.ascii('{"event":"mask-finding","path":"');
    if (this.depth != 0) line.jsonText(this.outer.pointer, this.outer.length);
    line.jsonText(this.place.pointer, this.place.length);
    line.ascii('","rule":"');
    line.ascii(mask.rule);
    line.ascii('","kind":"');
    line.ascii(mask.house ? 'House' : KIND_LABELS[mask.kind]);
    line.ascii('","method":"');
    line.ascii(METHOD_LABELS[mask.methodName]);
    line.ascii('","why":');
    line.decimal(why);
    if (this.depth == 0 && this.to != 0) {
      line.ascii(',"from":');
      line.decimal(this.from);
      line.ascii(',"to":');
      line.decimal(this.to);
    }
    line.ascii(',"becomes":');
    if (becomes == 0) line.ascii('null');
    else {
      line.byte(34);
      line.jsonText(becomes, length);
      line.byte(34);
    }
    line.byte(125);
    log(LogLevel.Info, line);
  }
}
