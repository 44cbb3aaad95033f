import {
  SM4_DECRYPTED,
  SM4_ENCRYPTED,
  SM4_FIELDS_DECRYPTED,
  SM4_FIELDS_ENCRYPTED,
  SM4_FIELDS_REFUSED,
  SM4_KEY_UNAVAILABLE,
  SM4_KEY_UNFIT,
  SM4_OPEN_FOREIGN_KEY,
  SM4_OPEN_MALFORMED,
  SM4_OPEN_TAG_WRONG,
  SM4_OPEN_VERSION_ABSENT,
} from '../metrics.gen';
import { Counter } from '../runtime/metrics';

/** Bodies encrypted and decrypted. Values of messages with protected fields. */
export const encrypted: Counter = new Counter(SM4_ENCRYPTED);
export const decrypted: Counter = new Counter(SM4_DECRYPTED);
export const fieldsEncrypted: Counter = new Counter(SM4_FIELDS_ENCRYPTED);
export const fieldsDecrypted: Counter = new Counter(SM4_FIELDS_DECRYPTED);
/** Messages that could not be opened, by reason. The sender always gets the same reply. */
export const openMalformed: Counter = new Counter(SM4_OPEN_MALFORMED);
export const openForeign: Counter = new Counter(SM4_OPEN_FOREIGN_KEY);
export const openVersionAbsent: Counter = new Counter(SM4_OPEN_VERSION_ABSENT);
export const openForged: Counter = new Counter(SM4_OPEN_TAG_WRONG);
/** Messages refused because no key was available, or the KMS's key does not fit the algorithm. */
export const keyUnavailable: Counter = new Counter(SM4_KEY_UNAVAILABLE);
export const keyUnfit: Counter = new Counter(SM4_KEY_UNFIT);
/** Messages whose fields could not be encrypted: not JSON, or too many. */
export const fieldsRefused: Counter = new Counter(SM4_FIELDS_REFUSED);

export function defineSm4Stats(): void {
  encrypted.define();
  decrypted.define();
  fieldsEncrypted.define();
  fieldsDecrypted.define();
  openMalformed.define();
  openForeign.define();
  openVersionAbsent.define();
  openForged.define();
  keyUnavailable.define();
  keyUnfit.define();
  fieldsRefused.define();
}
