// Which answers of an upstream are faults, besides those whose status says so.
import { FieldSet } from '../message/field-set';
import { FieldTree } from '../message/field-tree';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { HeaderMap } from '../runtime/abi';
import { ConfigReader } from '../runtime/config-reader';
import { compileField, findField } from '../runtime/field-value';
import { readHeader, resultLength, resultPointer } from '../runtime/host';
import { Judgement, Sent } from '../runtime/sent';
import { FaultsConfig } from './config.gen';
import { readMillis } from './deadline';

const GRPC_STATUS: Bytes = Bytes.from('grpc-status');
const STATUS_DIGITS: u32 = 3;
/** gRPC statuses that there are: 0 to 16. */
const GRPC_STATUSES: i64 = 17;
/** UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS, as bits. */
const USUAL_GRPC: u32 = (1 << 2) | (1 << 4) | (1 << 13) | (1 << 14) | (1 << 15);

export class Faults {
  private readonly statuses: StaticArray<i32>;
  private readonly grpc: u32;
  private readonly header: Bytes;
  /** Place of the code in the body; null: it is not there. */
  readonly field: FieldSet | null;
  private readonly codes: StaticArray<Bytes>;

  constructor(reader: ConfigReader, config: FaultsConfig | null) {
    let grpc = USUAL_GRPC;
    let field: FieldSet | null = null;
    if (config != null) {
      const named = config.grpcStatuses;
      if (named.length != 0) grpc = 0;
      for (let i = 0; i < named.length; i++) grpc |= 1 << (<u32>named[i]);
      if (config.field.length != 0) field = compileField(reader, config.node, config.field);
    }
    this.grpc = grpc;
    this.field = field;
    this.statuses = config == null ? [] : config.statuses;
    this.header = config == null ? Bytes.EMPTY : config.header;
    this.codes = config == null ? [] : config.codes;
  }

  /** Verdict by the headers of the current answer. `status`: three digits as text. */
  judgeHeaders(sent: Sent, status: usize): Judgement {
    if (this.hasStatus(<i32>readMillis(status, STATUS_DIGITS))) return Judgement.Fault;
    const header = this.header;
    if (
      header.length != 0 &&
      readHeader(HeaderMap.ResponseHeaders, header.pointer, header.length) &&
      this.hasCode(resultPointer(), resultLength())
    )
      return Judgement.Fault;
    if (sent.grpc) {
      if (!readHeader(HeaderMap.ResponseHeaders, GRPC_STATUS.pointer, GRPC_STATUS.length)) return Judgement.Later;
      return this.isGrpcFault() ? Judgement.Fault : Judgement.Good;
    }
    return this.field == null ? Judgement.Good : Judgement.Later;
  }

  /** Whether the trailers of the current answer say that it is a fault. */
  judgeTrailers(): bool {
    return readHeader(HeaderMap.ResponseTrailers, GRPC_STATUS.pointer, GRPC_STATUS.length) && this.isGrpcFault();
  }

  /** Whether the body of an answer says that it is a fault. Null: it cannot be read, and says nothing. */
  judgeBody(tree: FieldTree | null): bool {
    const field = this.field;
    const node = field == null ? 0 : findField(tree, field);
    if (node == 0 || tree == null) return false;
    const text = tree.text(node, scratch);
    return text != 0 && this.hasCode(text, tree.textLength);
  }

  private hasStatus(status: i32): bool {
    const statuses = this.statuses;
    for (let i = 0; i < statuses.length; i++) if (unchecked(statuses[i]) == status) return true;
    return false;
  }

  private hasCode(pointer: usize, length: u32): bool {
    const codes = this.codes;
    for (let i = 0; i < codes.length; i++) {
      const code = unchecked(codes[i]);
      if (code.equals(pointer, length)) return true;
    }
    return false;
  }

  /** Of the value that was just read. */
  private isGrpcFault(): bool {
    const status = readMillis(resultPointer(), resultLength());
    return status >= 0 && status < GRPC_STATUSES && ((this.grpc >> (<u32>status)) & 1) != 0;
  }
}
