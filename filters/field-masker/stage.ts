import { scratch } from '../memory/scratch';
import { MessageFormat } from '../message/format';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { Direction } from '../runtime/direction';
import { Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { decodeFieldMaskerConfig } from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { Masked, Masker, MaskPlan } from './masker';
import { compilePlan } from './plan';
import { defineMaskStats, maskChanged, maskDetected, maskFields, maskRefused, maskUnchanged } from './stats';

const masker: Masker = new Masker(scratch);

class MaskPolicy extends StagePolicy {
  constructor(
    private readonly request: MaskPlan,
    private readonly response: MaskPlan,
  ) {
    super();
  }

  plan(direction: Direction): MaskPlan {
    return direction == Direction.Request ? this.request : this.response;
  }

  acts(direction: Direction): bool {
    return this.plan(direction).acts;
  }

  needsBody(direction: Direction): bool {
    return this.plan(direction).acts;
  }

  rank(direction: Direction): Rank {
    return Rank.Mask;
  }
}

/** Hides values of JSON messages. A message that it cannot mask is refused, even under `Observe`. */
export class FieldMasker extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineMaskStats();
    return true;
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const config = decodeFieldMaskerConfig(reader, node);
    if (reader.format != MessageFormat.Json) reader.fail(ErrorId.FIM_MASK_0006, node);
    return new MaskPolicy(
      compilePlan(reader, config, Direction.Request),
      compilePlan(reader, config, Direction.Response),
    );
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const message = exchange.message;
    if (message.length == 0) return Verdict.Continue;
    if (exchange.format != MessageFormat.Json) return refuse(exchange, ErrorId.FIM_MASK_0001, ErrorId.None);
    const document = message.json();
    if (document == null) return refuse(exchange, ErrorId.FIM_MASK_0002, message.error);
    const masked = masker.run(document, message.length, (<MaskPolicy>policy).plan(exchange.direction));
    if (masked == Masked.OutOfMemory) return refuse(exchange, ErrorId.FIM_RT_0006, ErrorId.None);
    if (masked == Masked.Unchanged) {
      maskUnchanged.add(1);
      return Verdict.Continue;
    }
    maskChanged.add(1);
    if (masker.fieldCount != 0) maskFields.add(masker.fieldCount);
    if (masker.detectedCount != 0) maskDetected.add(masker.detectedCount);
    message.replace(masker.out.pointer, masker.out.length);
    return Verdict.Continue;
  }
}

/** `error`: sent to a client. `syntax`: JSON error, if that is the cause. */
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
