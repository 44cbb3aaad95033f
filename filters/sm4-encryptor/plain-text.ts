// Opening what nothing authenticates. Whether padding was right must not show: a text is taken only if it is a message
// of the route's format, it is read as one whatever its padding was, and every failure is the same.
import { KeyVersion } from '../keys/key-version';
import { scratch } from '../memory/scratch';
import { MessageFormat } from '../message/format';
import { JsonDocument } from '../message/json/document';
import { BodyLayout } from '../runtime/body-layout';
import { Message } from '../runtime/message';
import { job } from './cipher-job';
import { Opening } from './opening';
import { Parts, Protection } from './protection';
import { FAILED } from './suite';

const BLOCK_BYTES: u32 = 16;

/** A separate index, because the other one holds the message whose fields are being opened. */
const json: JsonDocument = new JsonDocument();
const message: Message = new Message();

/** Format of the bodies of the route at hand. */
export function layPlain(layout: BodyLayout): void {
  message.layout = layout;
}

/** Decrypts what was read, to `parts.text`, and judges it. */
export function openPlain(plan: Protection, key: KeyVersion, parts: Parts): Opening {
  const sealed = parts.ciphertextLength;
  const text = scratch.allocate(<usize>sealed + 2 * BLOCK_BYTES);
  if (text == 0) return Opening.NoMemory;
  const bytes = plan.suite.open(key, job.set(parts.iv, parts.ciphertext, sealed, text, parts.tag));
  const length = bytes == FAILED ? max(sealed, BLOCK_BYTES) - BLOCK_BYTES : <u32>bytes;
  if (bytes == FAILED && (sealed & 15) != 0) return Opening.Forged;
  const isMessage = isOf(plan.format, text, length);
  if (bytes == FAILED || !isMessage) return Opening.Forged;
  parts.text = text;
  parts.textLength = length;
  return Opening.Done;
}

function isOf(format: MessageFormat, text: usize, length: u32): bool {
  if (format == MessageFormat.Json) return json.parse(text, length, scratch) == 0;
  message.begin(text, length);
  return message.tree(format) != null;
}
