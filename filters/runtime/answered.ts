// Fate of a request that was sent, told to whoever waits for it: as soon as its answer begins, else at its end.
import { Bytes } from '../memory/bytes';
import { HeaderMap } from './abi';
import { monotonicMillis, readHeader, readProperty, resultLength, resultPointer } from './host';
import { STATUS } from './names';
import { Judgement } from './sent';
import { Stream } from './stream';

const CODE_DETAILS: Bytes = Bytes.from('response\0code_details');
/** Beginnings of the details of what an upstream is to answer for. */
const OF_UPSTREAM: StaticArray<Bytes> = [
  Bytes.from('via_upstream'),
  Bytes.from('upstream'),
  Bytes.from('no_healthy_upstream'),
  Bytes.from('response_timeout'),
  Bytes.from('max_duration_timeout'),
];
/** Beginnings of the details of a time that was over. */
const TIME_OVER: StaticArray<Bytes> = [
  Bytes.from('upstream_response_timeout'),
  Bytes.from('response_timeout'),
  Bytes.from('max_duration_timeout'),
];
/** First digit of a status that the proxy may have given itself. */
const FOUR: u8 = 52;
const STATUS_DIGITS: u32 = 3;
/** The status, kept while other values are read. */
const STATUS_TEXT: usize = memory.data(4);
/** First digit of a fault. */
const FIVE: u8 = 53;

/** No more of the request will come. */
export function noteWhole(stream: Stream): void {
  const sent = stream.facts.sent;
  sent.whole = true;
  if (sent.watcher != null) sent.atMs = monotonicMillis();
}

/** An answer begins. */
export function noteAnswer(stream: Stream): void {
  const sent = stream.facts.sent;
  const watcher = sent.watcher;
  if (watcher == null) return;
  sent.watcher = null;
  const status = readStatus();
  const first: u8 = status == 0 ? 0 : load<u8>(status);
  if (status != 0) memory.copy(STATUS_TEXT, status, STATUS_DIGITS);
  if (first >= FOUR && !isOf(OF_UPSTREAM)) {
    // The proxy's own: neither that it came nor how long it took says anything of the upstream.
    sent.whole = false;
    watcher.onNoAnswer(sent);
  } else if (first >= FOUR && sent.hurried && isOf(TIME_OVER)) watcher.onNoAnswer(sent);
  else if (first == 0 || first >= FIVE) watcher.onAnswer(sent, first >= FIVE);
  else {
    const judgement = watcher.judgeHeaders(sent, STATUS_TEXT);
    if (judgement == Judgement.Later) {
      sent.answeredMs = monotonicMillis();
      sent.watcher = watcher;
    } else watcher.onAnswer(sent, judgement == Judgement.Fault);
  }
}

/** The answer ends with trailers. */
export function noteTrailers(stream: Stream): void {
  const sent = stream.facts.sent;
  const watcher = sent.watcher;
  if (watcher == null || sent.answeredMs == 0 || !sent.grpc) return;
  sent.watcher = null;
  watcher.onAnswer(sent, watcher.judgeTrailers());
}

/** The stream is over. */
export function noteEnd(stream: Stream): void {
  const sent = stream.facts.sent;
  const watcher = sent.watcher;
  if (watcher == null) return;
  sent.watcher = null;
  watcher.onNoAnswer(sent);
}

/** The three digits of the status; 0: it has none. */
function readStatus(): usize {
  if (!readHeader(HeaderMap.ResponseHeaders, STATUS.pointer, STATUS.length)) return 0;
  return resultLength() == STATUS_DIGITS ? resultPointer() : 0;
}

/** Whether the details of the answer begin so, or cannot be read. */
function isOf(beginnings: StaticArray<Bytes>): bool {
  if (!readProperty(CODE_DETAILS.pointer, CODE_DETAILS.length)) return true;
  for (let i = 0; i < beginnings.length; i++) {
    const beginning = unchecked(beginnings[i]);
    if (resultLength() >= beginning.length && beginning.equals(resultPointer(), beginning.length)) return true;
  }
  return false;
}
