import { ErrorId } from '../errors.gen';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { Service } from '../runtime/service';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { StreamNote } from '../runtime/stream-note';
import { auditor } from './auditor';
import { AuditFull } from './config.gen';
import { DataPolicy } from './data-policy';
import { takeBody, takeHeaders } from './data-reader';
import { OBSERVABLE, SECTION } from './facts.gen';
import { AuditNote, takeNote } from './note';
import { AuditPolicy, compileAudit } from './policy';
import { auditDenied, auditWithheld, defineAuditStats } from './stats';

/** A record of each message: lets no request in that could leave none, and holds answers until theirs is durable. */
export class Audit extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineAuditStats();
    return true;
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    return compileAudit(reader, node);
  }

  services(): Service[] {
    return [auditor];
  }

  prepare(policy: StagePolicy, kms: KmsConfig | null, rootId: u32): void {
    if (!(policy instanceof DataPolicy)) auditor.meet(<AuditPolicy>policy);
    else if (kms != null) (<DataPolicy>policy).prepare(kms, rootId);
  }

  openNote(exchange: Exchange, policy: StagePolicy, generation: i64): StreamNote | null {
    const note = takeNote();
    note.keeper = auditor.keeper;
    note.begin(exchange, <AuditPolicy>policy, generation);
    return note;
  }

  /** Keeps room for the request's record. Answers are looked at with their bodies. */
  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const kept = exchange.note;
    if (kept == null) return Verdict.Continue;
    const note = <AuditNote>kept;
    if (policy instanceof DataPolicy) return take(exchange, note, <DataPolicy>policy, true);
    if (exchange.direction == Direction.Response) return Verdict.Continue;
    const terms = <AuditPolicy>policy;
    if (note.reserved || auditor.reserve(note, terms)) return Verdict.Continue;
    if (terms.onFull == AuditFull.Drop) return Verdict.Continue;
    if (terms.onFull == AuditFull.Block && !note.late) {
      auditor.awaitRoom(exchange, note, terms);
      return Verdict.Wait;
    }
    note.late = false; // its record is one of a refusal, if there is room by then
    auditDenied.add(1);
    exchange.reply.begin(terms.onFull == AuditFull.Deny ? ErrorId.FIM_AUD_0101 : ErrorId.FIM_AUD_0102);
    return Verdict.Reject;
  }

  onSend(exchange: Exchange, policy: StagePolicy): Verdict {
    const kept = exchange.note;
    if (kept != null && exchange.extracted((<AuditPolicy>policy).transactionKey))
      (<AuditNote>kept).takeTransaction(exchange.valuePointer, exchange.valueLength);
    return Verdict.Continue;
  }

  /** Of an answer that is held: writes its record, and waits until it is durable. */
  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const kept = exchange.note;
    if (kept == null) return Verdict.Continue;
    const note = <AuditNote>kept;
    if (policy instanceof DataPolicy) return take(exchange, note, <DataPolicy>policy, false);
    if (note.durable) return Verdict.Continue;
    if (!note.late && auditor.awaitRecord(exchange, note, <AuditPolicy>policy)) return Verdict.Wait;
    auditWithheld.add(1);
    exchange.reply.begin(ErrorId.FIM_AUD_0103);
    return Verdict.Reject;
  }
}

/** Takes the chosen fields of the headers, or of the body. */
function take(exchange: Exchange, note: AuditNote, policy: DataPolicy, headers: bool): Verdict {
  const verdict = policy.findKeys(exchange);
  if (verdict != Verdict.Continue) return verdict;
  if (headers ? takeHeaders(exchange, note, policy) : takeBody(exchange, note, policy)) return Verdict.Continue;
  exchange.reply.begin(ErrorId.FIM_RT_0006);
  return Verdict.Reject;
}
