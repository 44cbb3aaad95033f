import { scratch } from '../memory/scratch';
import { MessageFormat } from '../message/format';
import { FieldMatches } from '../message/field-matches';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { Direction, Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { compileValidator } from './compile';
import { decodePbocValidatorConfig } from './config.gen';
import { definePbocStats, pbocErrors, pbocInvalid, pbocUnreadable, pbocValid } from './stats';
import { Findings, Judgement, Validator } from './validator';

const matches: FieldMatches = new FieldMatches();
const findings: Findings = new Findings();

class ValidationPolicy extends StagePolicy {
  constructor(
    readonly validator: Validator,
    private readonly request: bool,
    private readonly response: bool,
  ) {
    super();
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request ? this.request : this.response;
  }

  needsBody(direction: Direction): bool {
    return this.acts(direction);
  }

  rank(direction: Direction): Rank {
    return Rank.Validate;
  }
}

/** Refuses messages that break the rules of their route. */
export class PbocValidator extends Stage {
  constructor() {
    super('pbocValidator', true);
  }

  start(): bool {
    definePbocStats();
    return true;
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const config = decodePbocValidatorConfig(reader, node);
    return new ValidationPolicy(compileValidator(reader, config), config.request, config.response);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const message = exchange.message;
    if (message.length == 0) {
      return exchange.direction == Direction.Response ? Verdict.Continue : refuseUnreadable(exchange, ErrorId.FIM_PBOC_0004, ErrorId.None);
    }
    const format = exchange.format;
    if (format == MessageFormat.Unknown) return refuseUnreadable(exchange, ErrorId.FIM_PBOC_0003, ErrorId.None);
    const document = message.tree(format);
    if (document == null) return refuseUnreadable(exchange, ErrorId.FIM_PBOC_0001, message.error);
    const judgement = (<ValidationPolicy>policy).validator.judge(document, matches, findings, scratch, exchange.direction == Direction.Response);
    if (judgement == Judgement.Valid) {
      pbocValid.add(1);
      return Verdict.Continue;
    }
    if (judgement == Judgement.OutOfMemory) return refuseUnreadable(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    pbocInvalid.add(1);
    pbocErrors.add(findings.count);
    const reply = exchange.reply;
    reply.begin(exchange.direction == Direction.Response ? ErrorId.FIM_PBOC_0002 : ErrorId.FIM_PBOC_0001);
    for (let i: u32 = 0; i < findings.count; i++) reply.addError(findings.error(i), findings.pointer(i), findings.pointerLength(i));
    return Verdict.Reject;
  }
}

/** A message that cannot be tested. `error`: what a request is told. `syntax`: what is wrong with its form, if that is why. */
function refuseUnreadable(exchange: Exchange, error: ErrorId, syntax: ErrorId): Verdict {
  pbocUnreadable.add(1);
  const reply = exchange.reply;
  if (error == ErrorId.FIM_RT_0006 || syntax == ErrorId.FIM_RT_0006) {
    reply.begin(ErrorId.FIM_RT_0006);
    return Verdict.Reject;
  }
  const response = exchange.direction == Direction.Response;
  reply.begin(response ? ErrorId.FIM_PBOC_0002 : error);
  if (syntax != ErrorId.None) reply.addError(syntax, 0, 0);
  else if (response) reply.addError(error, 0, 0);
  return Verdict.Reject;
}
