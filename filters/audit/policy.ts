import { ErrorId } from '../errors.gen';
import { MAX_AUDIT_RECORD_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { Direction } from '../runtime/direction';
import { extractionKey } from '../runtime/extraction';
import { Rank, StagePolicy } from '../runtime/stage';
import { AuditConfig, AuditFull, AuditMode, AuditSubjectSource, decodeAuditConfig } from './config.gen';
import { DataPolicy } from './data-policy';
import { MEMBER_PATH } from './record.gen';

/** A route's terms of audit. */
export class AuditPolicy extends StagePolicy {
  readonly cluster: Bytes;
  readonly authority: Bytes;
  /** An answer is held until its record is durable. */
  readonly sync: bool;
  readonly onFull: AuditFull;
  readonly waitNanos: u64;
  readonly digests: bool;
  readonly times: bool;
  /** `,"path":"…"` of every record. */
  readonly prefix: Bytes;
  /** Header, or path of a property; empty: of the certificate, or none. */
  readonly subjectName: Bytes;
  readonly hasSubject: bool;
  readonly subjectFrom: AuditSubjectSource;
  /** Empty: none. */
  readonly transactionHeader: Bytes;
  /** Filter state of an extracted value. Empty: none. */
  readonly transactionKey: Bytes;
  /** Room that is kept for a record, bytes. */
  readonly roomBytes: u32;

  /** Fields of messages. Null: none. */
  readonly data: DataPolicy | null;

  constructor(config: AuditConfig, data: DataPolicy | null) {
    super();
    this.data = data;
    this.cluster = config.cluster;
    this.authority = config.authority;
    this.sync = config.mode == AuditMode.Sync;
    this.onFull = config.onFull;
    this.waitNanos = <u64>config.waitMs * 1_000_000;
    this.digests = config.digests;
    this.times = config.times;
    this.prefix = pathMember(config.path);
    const subject = config.subject;
    this.hasSubject = subject != null;
    this.subjectFrom = subject == null ? AuditSubjectSource.Header : subject.from;
    this.subjectName =
      subject == null
        ? Bytes.EMPTY
        : subject.from == AuditSubjectSource.Claim
          ? claimPath(subject.payload, subject.name)
          : subject.name;
    this.transactionHeader = config.transactionHeader;
    this.transactionKey =
      config.transactionExtract.length == 0 ? Bytes.EMPTY : extractionKey(config.transactionExtract);
    this.roomBytes = MAX_AUDIT_RECORD_BYTES + this.prefix.length + (data == null ? 0 : data.roomBytes);
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request || this.sync;
  }

  needsBody(direction: Direction): bool {
    return this.sync && direction == Direction.Response;
  }

  judgesEmpty(direction: Direction): bool {
    return this.needsBody(direction);
  }

  records(): bool {
    return true;
  }

  sends(): bool {
    return this.transactionKey.length != 0;
  }

  needsKeys(): bool {
    const data = this.data;
    return data != null && data.needsKeys();
  }

  companion(): StagePolicy | null {
    return this.data;
  }

  rank(direction: Direction): Rank {
    return direction == Direction.Request ? Rank.Limit : Rank.Record;
  }
}

/** Compiles the section. */
export function compileAudit(reader: ConfigReader, node: u32): AuditPolicy {
  const config = decodeAuditConfig(reader, node);
  const subject = config.subject;
  if (!reader.failed && subject != null && subject.from != AuditSubjectSource.Certificate && subject.name.length == 0)
    reader.fail(ErrorId.FIM_CFG_0012, subject.node);
  return new AuditPolicy(config, config.data.length == 0 ? null : new DataPolicy(reader, config));
}

function pathMember(path: Bytes): Bytes {
  const text = new Writer(scratch);
  text.begin(path.length + 32);
  text.ascii(',"');
  text.ascii(MEMBER_PATH);
  text.ascii('":"');
  text.jsonText(path.pointer, path.length);
  text.ascii('"');
  return Bytes.copy(text.pointer, text.length);
}

/** Path of a property: what Envoy's JWT filter wrote of a token after it had verified it. */
function claimPath(payload: Bytes, claim: Bytes): Bytes {
  return Bytes.from(
    'metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0' +
      String.UTF8.decodeUnsafe(payload.pointer, payload.length) +
      '\0' +
      String.UTF8.decodeUnsafe(claim.pointer, claim.length),
  );
}
