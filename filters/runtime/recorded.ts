// Bodies of streams of which a note is kept, as they come and go.
import { BufferType } from './abi';
import { BodyRecord } from './body-record';
import { Direction } from './direction';
import { readBuffer, resultLength, resultPointer } from './host';
import { Leg } from './stream';

/** The record of the leg's body. Null: no note is kept. */
export function recordOf(leg: Leg): BodyRecord | null {
  const note = leg.stream.facts.note;
  if (note == null) return null;
  return leg.direction == Direction.Request ? note.request : note.response;
}

/** The end of the leg's body is here. */
export function endRecord(leg: Leg): void {
  const record = recordOf(leg);
  if (record != null) record.ended = true;
}

/** A piece passes that no stage looks at. */
export function recordPiece(leg: Leg, bytes: u32): void {
  const record = recordOf(leg);
  if (record == null || bytes == 0) return;
  if (record.digests) {
    const buffer = leg.direction == Direction.Request ? BufferType.HttpRequestBody : BufferType.HttpResponseBody;
    if (readBuffer(buffer, bytes) && resultLength() == bytes) {
      record.goesUnchanged(resultPointer(), bytes);
      record.comes(resultPointer(), bytes);
      return;
    }
    record.digests = false; // a digest of less would be a wrong one
  }
  record.bytesIn += bytes;
  record.bytesOut += bytes;
}
