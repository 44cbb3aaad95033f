// Applies the rules of a route to a streamed JSON message, one field at a time. The first error ends it.
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';
import { ErrorId } from '../errors.gen';
import { PathParser, StepKind } from '../message/field-path';
import { FieldSet } from '../message/field-set';
import { NONE } from '../message/field-tables';
import { JSON_STREAM_BYTES, JsonEvents, JsonStream } from '../message/json/stream';
import { JsonStreamState } from '../message/json/stream-state';
import { FieldKind } from '../message/nodes';
import { Rule } from './rule';

/** Length of the name hashes' key, bytes. */
const SEED_BYTES: u32 = 16;
/** State of an initialised slot. */
const READY: u32 = 1;

/** Memory of one message between its pieces, bytes: the reader's, and whether it is initialised. */
export const STREAM_RULES_BYTES: u32 = JSON_STREAM_BYTES + 16;

/** One VM reads one piece at a time. */
let reader: JsonStream | null = null;

function pointersOf(rules: StaticArray<Rule>): StaticArray<Bytes> {
  const pointers = new StaticArray<Bytes>(rules.length);
  for (let i = 0; i < rules.length; i++) pointers[i] = pointerOf(rules[i].path);
  return pointers;
}

export class StreamRules extends JsonEvents {
  private readonly pointers: StaticArray<Bytes>;
  /** Place of the last error: a JSON Pointer with `*` for wildcard matches. Empty for syntax errors. */
  errorPath: Bytes = Bytes.EMPTY;

  /** `fields` names the values of rule i of `rules` by i. The rules have no conditions. */
  constructor(
    private readonly fields: FieldSet,
    private readonly rules: StaticArray<Rule>,
  ) {
    super();
    this.pointers = pointersOf(rules);
  }

  /** Initialises the memory of a new message. False if there are no random bytes. */
  private begin(memory: usize): bool {
    const ready = memory + JSON_STREAM_BYTES;
    let stream = reader;
    if (stream == null) {
      stream = new JsonStream(this);
      reader = stream;
    }
    stream.bind(memory, this);
    if (load<u32>(ready) == READY) return true;
    store<u32>(ready, READY);
    return randomBytes(memory + offsetof<JsonStreamState>('seed0'), SEED_BYTES);
  }

  /** Error of the message so far, or ErrorId.None. `last`: this is the last piece. */
  take(memory: usize, pointer: usize, length: u32, last: bool): ErrorId {
    this.errorPath = Bytes.EMPTY;
    if (!this.begin(memory)) return ErrorId.FIM_RT_0006;
    const stream = reader!;
    if (length != 0) store<u32>(memory + JSON_STREAM_BYTES, 1, 4);
    const error = stream.feed(pointer, length);
    return error != ErrorId.None || !last ? error : stream.finish();
  }

  /** Whether the message is empty and complete. */
  isEmpty(memory: usize, length: u32, last: bool): bool {
    return last && length == 0 && load<u32>(memory + JSON_STREAM_BYTES, 4) == 0;
  }

  onValue(stream: JsonStream, kind: FieldKind): bool {
    const state = stream.state;
    const depth = state.depth;
    let value = this.fields.start;
    if (depth != 0) {
      const frame = stream.frame(depth);
      value = this.fields.below(
        frame.state,
        frame.isObject ? stream.text : 0,
        frame.isObject ? state.textLength : frame.count,
      );
    }
    state.value = <u32>value;
    return this.fields.accepted(value) != NONE && (kind == FieldKind.String || kind == FieldKind.Number);
  }

  onScalar(stream: JsonStream, kind: FieldKind, text: usize, length: u32): ErrorId {
    const value = <usize>stream.state.value;
    const list = this.fields.neededContainer(value);
    if (list != NONE) return this.report(ErrorId.FIM_PBOC_0006, this.fields.ruleAt(list, 0));
    const missing = this.fields.nextRequired(value, 0);
    if (missing != 0)
      return this.report(ErrorId.FIM_PBOC_0005, this.fields.ruleAt(this.fields.requiredFor(missing), 0));
    return this.test(value, kind, text, length);
  }

  onOpen(stream: JsonStream, kind: FieldKind): ErrorId {
    const value = <usize>stream.state.value;
    stream.frame(stream.state.depth).state = <u32>value;
    return this.test(value, kind, 0, 0);
  }

  onClose(stream: JsonStream): ErrorId {
    const frame = stream.frame(stream.state.depth);
    const fields = this.fields;
    const state = <usize>frame.state;
    if (!fields.needsChildren(state)) return ErrorId.None;
    for (let edge = fields.nextRequired(state, 0); edge != 0; edge = fields.nextRequired(state, edge)) {
      const name = fields.requiredName(edge);
      const length = fields.requiredLength(edge);
      const there =
        name != 0 ? frame.isObject != 0 && stream.hasName(name, length) : frame.isObject == 0 && length < frame.count;
      if (!there) return this.report(ErrorId.FIM_PBOC_0005, fields.ruleAt(fields.requiredFor(edge), 0));
    }
    return ErrorId.None;
  }

  private test(value: usize, kind: FieldKind, text: usize, length: u32): ErrorId {
    const list = this.fields.accepted(value);
    if (list == NONE) return ErrorId.None;
    const count = this.fields.ruleCount(list);
    for (let i: u32 = 0; i < count; i++) {
      const rule = this.fields.ruleAt(list, i);
      const error = unchecked(this.rules[rule]).testTyped(kind, text, length);
      if (error != ErrorId.None) return this.report(error, rule);
    }
    return ErrorId.None;
  }

  private report(error: ErrorId, rule: u32): ErrorId {
    this.errorPath = this.pointers[rule];
    return error;
  }
}

/** A path as a JSON Pointer (RFC 6901), with `*` for wildcards. */
function pointerOf(path: Bytes): Bytes {
  const steps = new PathParser().parse(path);
  let text = '';
  for (let i = 0; steps != null && i < steps.length; i++) {
    const step = steps[i];
    const name =
      step.kind == StepKind.Name
        ? String.UTF8.decodeUnsafe(step.name.pointer, step.name.length).replaceAll('~', '~0').replaceAll('/', '~1')
        : step.kind == StepKind.Index
          ? step.index.toString()
          : '*';
    text += '/' + name;
  }
  return Bytes.from(text);
}
