import { MAX_STREAM_VALUE_BYTES } from '../limits';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { KeyVerdict } from '../keys/key-holder';
import { keyService } from '../keys/key-service';
import { MessageFormat } from '../message/format';
import { writeHex } from '../message/hex-text';
import { isEventStream } from '../runtime/admission';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { Direction } from '../runtime/direction';
import { CONTENT_LENGTH } from '../runtime/names';
import { Service } from '../runtime/service';
import { Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { offerValueMasks } from '../runtime/value-mask';
import { decodeFieldMaskerConfig } from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { EventMasker } from './events';
import { LogNotes } from './explain';
import { HeaderMasks } from './headers';
import { MaskPlan, NO_PLAN } from './mask-plan';
import { Masker } from './masker';
import { Masked } from './message-masker';
import { PassingMasker } from './passing';
import { PASSING_BYTES, passingState } from './passing-state';
import { PlanCompiler } from './plan';
import { Roles } from './reveal';
import { FormSurface } from './surface/form';
import { IsoSurface, TlvSurface } from './surface/iso8583';
import { JsonSurface } from './surface/json';
import { Surface } from './surface/surface';
import { XmlSurface } from './surface/xml';
import {
  defineMaskStats,
  maskChanged,
  maskDetected,
  maskFields,
  maskHeaders,
  maskRefused,
  maskUnchanged,
} from './stats';
import { OneValueMaskMaker } from './value-mask';

const masker: Masker = new Masker(scratch);
const passing: PassingMasker = new PassingMasker(masker, scratch, NO_PLAN);
const events: EventMasker = new EventMasker(masker, scratch);
const json: JsonSurface = new JsonSurface();
const xml: XmlSurface = new XmlSurface();
const form: FormSurface = new FormSurface();
const iso8583: IsoSurface = new IsoSurface();
const tlv: TlvSurface = new TlvSurface();
const explainer: LogNotes = new LogNotes();
const digits: Writer = new Writer(scratch);

class MaskPolicy extends StagePolicy {
  /** Messages that pass unread, as bits of `Unread`. */
  unreadKinds: u32 = 0;
  /** Whether bodies are masked as they pass. */
  passes: bool = false;
  /** Whether each value that is hidden is told on the log. */
  explains: bool = false;

  constructor(
    private readonly request: MaskPlan,
    private readonly response: MaskPlan,
    readonly roles: Roles,
    readonly requestHeaders: HeaderMasks,
    readonly responseHeaders: HeaderMasks,
  ) {
    super();
  }

  plan(direction: Direction): MaskPlan {
    return direction == Direction.Request ? this.request : this.response;
  }

  headers(direction: Direction): HeaderMasks {
    return direction == Direction.Request ? this.requestHeaders : this.responseHeaders;
  }

  acts(direction: Direction): bool {
    if (this.plan(direction).acts || this.headers(direction).acts) return true;
    return direction == Direction.Request && this.roles.byHeader;
  }

  needsBody(direction: Direction): bool {
    return this.plan(direction).acts;
  }

  unread(direction: Direction): u32 {
    return this.unreadKinds;
  }

  streams(direction: Direction): bool {
    return this.passes && this.plan(direction).acts;
  }

  passesEvents(direction: Direction): bool {
    return direction == Direction.Response;
  }

  needsKeys(): bool {
    return this.request.keys.length + this.response.keys.length != 0;
  }

  rank(direction: Direction): Rank {
    return Rank.Mask;
  }
}

/** Hides values of messages. A message that it cannot mask is refused, even under `Observe`. */
export class FieldMasker extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineMaskStats();
    offerValueMasks(new OneValueMaskMaker());
    return true;
  }

  services(): Service[] {
    return [keyService];
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const config = decodeFieldMaskerConfig(reader, node);
    const request = new PlanCompiler(reader, config, Direction.Request);
    const response = new PlanCompiler(reader, config, Direction.Response);
    const requestPlan = request.compile();
    const responsePlan = response.compile();
    masker.nest(config.nested);
    const roles = new Roles(reader, config.reveal);
    if (config.stream && (reader.format != MessageFormat.Json || !request.passes || !response.passes))
      reader.failMember(ErrorId.FIM_MASK_0011, node, 'stream');
    const policy = new MaskPolicy(requestPlan, responsePlan, roles, request.headers, response.headers);
    for (let i = 0; i < config.pass.length; i++) policy.unreadKinds |= 1 << (<u32>config.pass[i]);
    policy.passes = config.stream;
    policy.explains = config.explain;
    return policy;
  }

  prepare(policy: StagePolicy, kms: KmsConfig | null, rootId: u32): void {
    if (kms == null) return;
    for (let direction = 0; direction < 2; direction++) {
      const keys = (<MaskPolicy>policy).plan(<Direction>direction).keys;
      for (let i = 0; i < keys.length; i++) keys[i].holder.prepare(kms, rootId, true);
    }
  }

  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const masks = <MaskPolicy>policy;
    const direction = exchange.direction;
    if (direction == Direction.Request && masks.roles.byHeader) exchange.roles = masks.roles.revealed(exchange, 0);
    const headers = masks.headers(direction);
    if (!headers.acts) return Verdict.Continue;
    const verdict = findKeys(exchange, masks.plan(direction));
    if (verdict != Verdict.Continue) return verdict;
    headers.notes = masks.explains ? explainer : null;
    if (direction == Direction.Request) headers.note(exchange);
    if (!headers.run(exchange, masks.roles.revealed(exchange, exchange.roles)))
      return refuse(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    maskHeaders.add(headers.hidden);
    return Verdict.Continue;
  }

  onStreamHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const masks = <MaskPolicy>policy;
    exchange.message.begin(0, 0);
    const eventful = exchange.direction == Direction.Response && isEventStream(exchange);
    if (!eventful && exchange.format != MessageFormat.Json)
      return refuse(exchange, ErrorId.FIM_MASK_0001, ErrorId.None);
    const verdict = findKeys(exchange, masks.plan(exchange.direction));
    if (verdict != Verdict.Continue) return verdict;
    const memory = exchange.slot(PASSING_BYTES);
    if (memory == 0 || !passing.start(memory, masks.roles.revealed(exchange, exchange.roles)))
      return refuse(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    if (!eventful) exchange.willRewriteBody();
    else {
      // Nothing is ever appended, so that no event has to wait for the next one.
      passingState(memory).events = 1;
      exchange.removeHeader(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length);
      exchange.dropDigests();
    }
    return Verdict.Continue;
  }

  onChunk(exchange: Exchange, policy: StagePolicy, pointer: usize, length: u32, endOfStream: bool): Verdict {
    const plan = (<MaskPolicy>policy).plan(exchange.direction);
    const memory = exchange.slot(PASSING_BYTES);
    if (memory == 0) return refuse(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    const verdict = findKeys(exchange, plan);
    if (verdict != Verdict.Continue) return verdict;
    if (passingState(memory).events != 0) return passEvents(exchange, plan, memory, pointer, length);
    passing.bind(memory, plan);
    if (passing.isEmpty(length, endOfStream)) return Verdict.Continue;
    const out = exchange.replaceChunk(length + (length >> 3) + MAX_STREAM_VALUE_BYTES);
    const error = passing.take(pointer, length, endOfStream, out);
    if (error == ErrorId.FIM_MASK_0012) return refuse(exchange, error, error);
    if (error != ErrorId.None) return refuse(exchange, ErrorId.FIM_MASK_0002, error);
    exchange.chunkReplaced = passing.differs;
    maskFields.add(passing.fieldCount);
    maskDetected.add(passing.detectedCount);
    if (!endOfStream) return Verdict.Continue;
    if (passing.changed) maskChanged.add(1);
    else maskUnchanged.add(1);
    return Verdict.Continue;
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const message = exchange.message;
    if (message.length == 0) return Verdict.Continue;
    const masks = <MaskPolicy>policy;
    const plan = masks.plan(exchange.direction);
    const format = exchange.format;
    if (format == MessageFormat.Unknown)
      return plan.onlyCounts ? Verdict.Continue : refuse(exchange, ErrorId.FIM_MASK_0001, ErrorId.None);
    const tree = message.tree(format);
    if (tree == null && plan.onlyCounts) return Verdict.Continue;
    if (tree == null) return refuse(exchange, ErrorId.FIM_MASK_0002, message.error);
    const verdict = findKeys(exchange, plan);
    if (verdict != Verdict.Continue) return verdict;
    const surface = surfaceOf(exchange, format);
    if (surface == null) return refuse(exchange, ErrorId.FIM_MASK_0001, ErrorId.None);
    const isHex = format == MessageFormat.Tlv && message.layout.tlvHex;
    const length = isHex ? tree.end(tree.root) : message.length;
    masker.notes = masks.explains ? explainer : null;
    const masked = masker.run(tree, length, plan, surface, masks.roles.revealed(exchange, exchange.roles));
    if (masked == Masked.OutOfMemory) return refuse(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    if (masked == Masked.Impossible) return refuse(exchange, ErrorId.FIM_MASK_0008, ErrorId.None);
    if (masked == Masked.Unchanged) {
      maskUnchanged.add(1);
      return Verdict.Continue;
    }
    maskChanged.add(1);
    maskFields.add(masker.fieldCount);
    maskDetected.add(masker.detectedCount);
    if (!isHex) message.replace(masker.out.pointer, masker.out.length);
    else if (!replaceHex(exchange)) return refuse(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    return Verdict.Continue;
  }
}

/** A piece of a stream of events. */
function passEvents(exchange: Exchange, plan: MaskPlan, memory: usize, pointer: usize, length: u32): Verdict {
  events.bind(memory, plan);
  const out = exchange.replaceChunk(length + (length >> 3) + MAX_STREAM_VALUE_BYTES);
  const error = events.take(pointer, length, out);
  if (error != ErrorId.None) return refuse(exchange, ErrorId.FIM_MASK_0002, error);
  maskFields.add(events.fieldCount);
  maskDetected.add(events.detectedCount);
  return Verdict.Continue;
}

/** Puts the masked bytes in their place as hexadecimal digits. */
function replaceHex(exchange: Exchange): bool {
  const length = masker.out.length;
  digits.begin(<usize>length * 2 + 64);
  const to = digits.reserve(<usize>length * 2 + 32);
  if (to == 0) return false;
  writeHex(masker.out.pointer, length, to);
  exchange.message.replace(to, length * 2);
  return true;
}

function surfaceOf(exchange: Exchange, format: MessageFormat): Surface | null {
  const message = exchange.message;
  switch (format) {
    case MessageFormat.Json:
      return json;
    case MessageFormat.Xml:
    case MessageFormat.Cnaps2:
      return xml;
    case MessageFormat.Form:
      form.plain = message.isPlainForm;
      return form;
    case MessageFormat.Tlv:
      return tlv;
    case MessageFormat.Iso8583: {
      const reader = message.iso8583;
      const spec = message.layout.iso;
      if (reader == null || spec == null) return null;
      iso8583.read(reader, spec);
      return iso8583;
    }
  }
  return null;
}

/** Finds the versions of a plan's keys. Not Continue: a key is being fetched, or there is none. */
function findKeys(exchange: Exchange, plan: MaskPlan): Verdict {
  const keys = plan.keys;
  for (let i = 0; i < keys.length; i++) {
    const key = unchecked(keys[i]);
    const verdict = key.holder.newest(exchange, key);
    if (verdict == KeyVerdict.Wait) return Verdict.Wait;
    if (verdict == KeyVerdict.Genuine) continue;
    maskRefused.add(1);
    exchange.reply.begin(verdict == KeyVerdict.Unavailable ? key.holder.error : ErrorId.FIM_KMS_0009);
    return Verdict.Reject;
  }
  return Verdict.Continue;
}

/** `error`: sent to a client. `syntax`: error of the format, if that is the cause. */
function refuse(exchange: Exchange, error: ErrorId, syntax: ErrorId): Verdict {
  maskRefused.add(1);
  const reply = exchange.reply;
  if (error == ErrorId.FIM_RT_0006 || syntax == ErrorId.FIM_RT_0006) {
    reply.begin(ErrorId.FIM_RT_0006);
    return Verdict.Reject;
  }
  reply.begin(exchange.direction == Direction.Response ? ErrorId.FIM_MASK_0003 : error);
  if (syntax != ErrorId.None) reply.addError(syntax, 0, 0);
  return Verdict.Reject;
}
