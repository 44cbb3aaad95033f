import { scratch } from '../memory/scratch';
import { MessageFormat } from '../message/format';
import { FieldMatches } from '../message/field-matches';
import { isKeyId } from '../keys/key-id';
import { KeyVerdict } from '../keys/key-holder';
import { keyService } from '../keys/key-service';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { ErrorId } from '../errors.gen';
import { elementOf } from '../message/iso8583/field-names';
import { Exchange } from '../runtime/exchange';
import { Service } from '../runtime/service';
import { Message } from '../runtime/message';
import { Direction } from '../runtime/direction';
import { Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { compileValidator } from './compile';
import {
  PbocMac,
  PbocMacAlgorithm,
  PbocMacCoverage,
  PbocMacEncoding,
  PbocPlace,
  PbocValidatorConfig,
  decodePbocValidatorConfig,
} from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { Places } from './places';
import { RequestPlaces } from './request-places';
import { STREAM_RULES_BYTES, StreamRules } from './stream-rules';
import { countBreach, definePbocStats, pbocErrors, pbocInvalid, pbocUnreadable, pbocValid } from './stats';
import { MacRule } from './mac-rule';
import { Findings, Judgement, Validator } from './validator';

import { VerdictHeader } from './verdict-header';

const matches: FieldMatches = new FieldMatches();
const findings: Findings = new Findings();
/** Error of the last message that was rejected, if its rejection is observed. */
let mistakes: u32 = 0;
const requestPlaces: RequestPlaces = new RequestPlaces();

class ValidationPolicy extends StagePolicy {
  readonly verdict: VerdictHeader;
  readonly mac: MacRule | null;
  readonly responseCodes: bool;
  readonly tagDictionary: bool;
  readonly maxErrors: u32;
  /** HTTP status of the reply to an invalid request. */
  readonly rejectStatus: u32;
  private readonly request: bool;
  private readonly response: bool;

  /** Rules for streamed bodies. Null: bodies are buffered. */
  readonly passing: StreamRules | null;

  constructor(
    readonly validator: Validator,
    config: PbocValidatorConfig,
  ) {
    super();
    this.verdict = new VerdictHeader(config.verdictHeader, config.profile);
    const mac = config.mac;
    this.mac = mac == null ? null : new MacRule(mac);
    this.responseCodes = config.responseCodes;
    this.passing = config.stream ? validator.streamed() : null;
    this.tagDictionary = config.tagDictionary;
    this.maxErrors = <u32>config.maxErrors;
    this.rejectStatus = <u32>config.rejectStatus;
    this.request = config.request;
    this.response = config.response && (validator.readsBody || config.tagDictionary || mac != null);
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request ? this.request : this.response;
  }

  needsBody(direction: Direction): bool {
    return this.acts(direction) && (this.validator.readsBody || this.tagDictionary || this.mac != null);
  }

  streams(direction: Direction): bool {
    return this.passing != null;
  }

  mustStream(direction: Direction): bool {
    return this.passing != null && this.needsBody(direction);
  }

  needsKeys(): bool {
    return this.mac != null;
  }

  rank(direction: Direction): Rank {
    return Rank.Validate;
  }
}

/** Refuses messages that break the rules of their route. */
export class PbocValidator extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  get judgesOnly(): bool {
    return true;
  }

  start(): bool {
    definePbocStats();
    return true;
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const config = decodePbocValidatorConfig(reader, node);
    const mac = config.mac;
    if (mac != null && !fitsTogether(mac, reader.format)) reader.fail(ErrorId.FIM_PBOC_0034, mac.node);
    if (mac != null && !isKeyId(mac.keyId)) reader.failMember(ErrorId.FIM_CFG_0017, mac.node, 'keyId');
    const policy = new ValidationPolicy(compileValidator(reader, config), config);
    const rule = policy.mac;
    const iso = reader.iso;
    if (rule != null && iso != null && rule.place == PbocPlace.Body && !rule.fitsElements(iso))
      reader.fail(ErrorId.FIM_PBOC_0043, mac!.node);
    const fits =
      policy.passing != null && reader.format == MessageFormat.Json && mac == null && config.verdictHeader.length == 0;
    if (config.stream && !fits) reader.failMember(ErrorId.FIM_PBOC_0042, node, 'stream');
    return policy;
  }

  /** Parameters, headers and the content type can still be refused before anything is sent. */
  onStreamHeaders(exchange: Exchange, stagePolicy: StagePolicy): Verdict {
    const policy = <ValidationPolicy>stagePolicy;
    exchange.message.begin(0, 0);
    if (exchange.format != MessageFormat.Json)
      return refuseUnreadable(exchange, policy, ErrorId.FIM_PBOC_0003, ErrorId.None);
    if (exchange.slot(STREAM_RULES_BYTES) == 0)
      return refuseUnreadable(exchange, policy, ErrorId.FIM_RT_0006, ErrorId.None);
    if (exchange.direction == Direction.Response || !policy.validator.readsPlaces) return Verdict.Continue;
    if (policy.validator.judgePlaces(requestPlaces.bind(exchange), findings) == Judgement.Valid)
      return Verdict.Continue;
    return conclude(exchange, policy, Judgement.Invalid);
  }

  onChunk(exchange: Exchange, stagePolicy: StagePolicy, pointer: usize, length: u32, endOfStream: bool): Verdict {
    const policy = <ValidationPolicy>stagePolicy;
    const rules = policy.passing;
    const memory = exchange.slot(STREAM_RULES_BYTES);
    if (rules == null || memory == 0) return refuseUnreadable(exchange, policy, ErrorId.FIM_RT_0006, ErrorId.None);
    if (rules.isEmpty(memory, length, endOfStream)) return this.onBody(exchange, stagePolicy);
    const error = rules.take(memory, pointer, length, endOfStream);
    if (error == ErrorId.None) {
      if (endOfStream) pbocValid.add(1);
      return Verdict.Continue;
    }
    const path = rules.errorPath;
    if (path.length == 0) return refuseUnreadable(exchange, policy, ErrorId.FIM_PBOC_0001, error);
    findings.clear();
    findings.add(error, path.pointer, path.length);
    return conclude(exchange, policy, Judgement.Invalid);
  }

  services(): Service[] {
    return [keyService];
  }

  prepare(policy: StagePolicy, kms: KmsConfig | null, rootId: u32): void {
    const mac = (<ValidationPolicy>policy).mac;
    if (mac != null && kms != null) mac.keys.prepare(kms, rootId, false);
  }

  /** Parameters and headers are judged here if no body may follow, else together with the body. */
  onHeaders(exchange: Exchange, stagePolicy: StagePolicy): Verdict {
    const policy = <ValidationPolicy>stagePolicy;
    if (exchange.direction == Direction.Response) return Verdict.Continue;
    policy.verdict.strip(exchange);
    const validator = policy.validator;
    if (!validator.readsPlaces || (policy.needsBody(Direction.Request) && !exchange.bodiless)) return Verdict.Continue;
    return conclude(exchange, policy, validator.judgePlaces(requestPlaces.bind(exchange), findings));
  }

  onObserved(exchange: Exchange, policy: StagePolicy): void {
    (<ValidationPolicy>policy).verdict.set(exchange, mistakes);
  }

  onUnread(exchange: Exchange, stagePolicy: StagePolicy): void {
    pbocUnreadable.add(1);
    (<ValidationPolicy>stagePolicy).verdict.set(exchange, 1);
  }

  onBody(exchange: Exchange, stagePolicy: StagePolicy): Verdict {
    const policy = <ValidationPolicy>stagePolicy;
    const message = exchange.message;
    const response = exchange.direction == Direction.Response;
    if (message.length == 0)
      return response ? Verdict.Continue : refuseUnreadable(exchange, policy, ErrorId.FIM_PBOC_0004, ErrorId.None);
    const format = exchange.format;
    if (format == MessageFormat.Unknown) return refuseUnreadable(exchange, policy, ErrorId.FIM_PBOC_0003, ErrorId.None);
    const tree = message.tree(format);
    if (tree == null) return refuseUnreadable(exchange, policy, ErrorId.FIM_PBOC_0001, message.error);
    let places: Places | null = null;
    if (!response) places = requestPlaces.bind(exchange);
    const validator = policy.validator;
    findings.hidesNames = response || exchange.shadows;
    let judgement = validator.judge(tree, matches, findings, scratch, places);
    if (policy.tagDictionary && judgement != Judgement.OutOfMemory)
      judgement = judgeDataObjects(message, findings, policy.maxErrors);
    const mac = policy.mac;
    if (mac != null && !exchange.shadows && judgement != Judgement.OutOfMemory) {
      const answer = judgeMac(exchange, mac, findings, policy.maxErrors);
      if (answer == KeyVerdict.Wait) return Verdict.Wait;
      if (answer == KeyVerdict.Unavailable) return refuseUntested(exchange, policy, mac.keys.error);
      judgement = findings.count == 0 ? Judgement.Valid : Judgement.Invalid;
    }
    if (!response && !exchange.shadows && judgement != Judgement.OutOfMemory)
      validator.extracts.handOn(tree, exchange, scratch);
    return conclude(exchange, policy, judgement);
  }
}

/** Adds the dictionary violations of the message's data objects to the findings. */
function judgeDataObjects(message: Message, findings: Findings, maxErrors: u32): Judgement {
  const objects = message.dataObjects;
  if (objects != null) {
    for (let i: u32 = 0; i < objects.mistakes && findings.count < maxErrors; i++) {
      const pointer = objects.pointer(objects.mistakeNode(i), scratch);
      if (pointer == 0) return Judgement.OutOfMemory;
      findings.add(objects.mistakeCode(i), pointer, objects.pointerLength);
    }
  }
  return findings.count == 0 ? Judgement.Valid : Judgement.Invalid;
}

/**
 * Whether place, encoding and algorithm of a code are compatible. In a header it covers a body of any length, which
 * only HMAC supports.
 */
function fitsTogether(mac: PbocMac, format: MessageFormat): bool {
  const chosen = mac.covers != PbocMacCoverage.Message;
  if (mac.elements.length > 0 != (mac.covers == PbocMacCoverage.Elements)) return false;
  if (mac.header.length == 0) return format == MessageFormat.Iso8583 && mac.encoding != PbocMacEncoding.Base64;
  return !chosen && mac.algorithm == PbocMacAlgorithm.HMAC_SM3 && mac.encoding != PbocMacEncoding.Binary;
}

/** Tests the authentication code of a message. A wrong code is added to the findings. */
function judgeMac(exchange: Exchange, mac: MacRule, findings: Findings, maxErrors: u32): KeyVerdict {
  const answer = mac.judge(exchange, exchange.message);
  if (answer == KeyVerdict.Wrong && findings.count < maxErrors)
    findings.add(mac.error, mac.pointer.pointer, mac.pointer.length, mac.place);
  return answer;
}

/** Acts on the judgement of a readable message. */
function conclude(exchange: Exchange, policy: ValidationPolicy, judgement: Judgement): Verdict {
  if (judgement == Judgement.Valid) {
    if (exchange.shadows) return Verdict.Continue;
    pbocValid.add(1);
    policy.verdict.set(exchange, 0);
    return Verdict.Continue;
  }
  if (judgement == Judgement.OutOfMemory) return refuseUnreadable(exchange, policy, ErrorId.FIM_RT_0006, ErrorId.None);
  if (!exchange.shadows) countInvalid();
  const reply = exchange.reply;
  reply.begin(exchange.direction == Direction.Response ? ErrorId.FIM_PBOC_0002 : ErrorId.FIM_PBOC_0001);
  reply.answerContentWith(policy.rejectStatus);
  for (let i: u32 = 0; i < findings.count; i++) {
    reply.addError(findings.error(i), findings.pointer(i), findings.pointerLength(i), nameOf(findings.place(i)));
  }
  if (policy.responseCodes)
    reply.nameResponseCode(findings.error(0), elementOf(findings.pointer(0), findings.pointerLength(0)));
  return Verdict.Reject;
}

function countInvalid(): void {
  pbocInvalid.add(1);
  pbocErrors.add(findings.count);
  for (let i: u32 = 0; i < findings.count; i++) countBreach(findings.error(i));
  mistakes = findings.count;
}

function nameOf(place: PbocPlace): string {
  return place == PbocPlace.Query ? 'Query' : place == PbocPlace.Header ? 'Header' : '';
}

/** Handles a message that cannot be tested for want of a key. */
function refuseUntested(exchange: Exchange, policy: ValidationPolicy, error: ErrorId): Verdict {
  pbocUnreadable.add(1);
  mistakes = 1;
  exchange.reply.begin(error);
  return Verdict.Reject;
}

/**
 * Handles a message that cannot be tested. `error`: sent to a client. `syntax`: error of its form, if that is the
 * cause.
 */
function refuseUnreadable(exchange: Exchange, policy: ValidationPolicy, error: ErrorId, syntax: ErrorId): Verdict {
  const reply = exchange.reply;
  if (!exchange.shadows) {
    pbocUnreadable.add(1);
    mistakes = 1;
  }
  if (error == ErrorId.FIM_RT_0006 || syntax == ErrorId.FIM_RT_0006) {
    reply.begin(ErrorId.FIM_RT_0006);
    return Verdict.Reject;
  }
  const response = exchange.direction == Direction.Response;
  reply.begin(response ? ErrorId.FIM_PBOC_0002 : error);
  reply.answerContentWith(policy.rejectStatus);
  const message = exchange.message;
  const pointer = syntax == ErrorId.None ? 0 : message.errorPointer();
  if (syntax != ErrorId.None) reply.addError(syntax, pointer, pointer == 0 ? 0 : message.errorPointerLength);
  else if (response) reply.addError(error, 0, 0);
  if (policy.responseCodes) reply.nameResponseCode(syntax, message.errorElement);
  return Verdict.Reject;
}
