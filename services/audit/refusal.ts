import { ERRORS, type ErrorCode } from '../../envoy/route/errors.gen.ts';

/** Why something is not taken. The message never holds a value of a record. */
export class AuditRefusal extends Error {
  readonly code: ErrorCode;
  /** Status of the answer. */
  readonly status: number;
  readonly detail: string;
  /** Number of the record that is refused. */
  readonly seq: number | undefined;

  constructor(code: ErrorCode, detail: string, seq?: number) {
    super(`${code} ${ERRORS[code].title}: ${detail}`);
    this.name = 'AuditRefusal';
    this.code = code;
    this.status = ERRORS[code].status;
    this.detail = detail;
    this.seq = seq;
  }
}
