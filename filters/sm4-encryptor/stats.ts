import { Counter } from '../runtime/metrics';

/** Bodies encrypted and decrypted. Values of messages with protected fields. */
export const encrypted: Counter = new Counter('fim.sm4.encrypted');
export const decrypted: Counter = new Counter('fim.sm4.decrypted');
export const fieldsEncrypted: Counter = new Counter('fim.sm4.fields_encrypted');
export const fieldsDecrypted: Counter = new Counter('fim.sm4.fields_decrypted');
/** Messages that could not be opened, by reason. The sender always gets the same reply. */
export const openMalformed: Counter = new Counter('fim.sm4.open_malformed');
export const openForeign: Counter = new Counter('fim.sm4.open_foreign_key');
export const openVersionAbsent: Counter = new Counter('fim.sm4.open_version_absent');
export const openForged: Counter = new Counter('fim.sm4.open_tag_wrong');
/** Messages refused because no key was available, or the KMS's key does not fit the algorithm. */
export const keyUnavailable: Counter = new Counter('fim.sm4.key_unavailable');
export const keyUnfit: Counter = new Counter('fim.sm4.key_unfit');
/** Messages whose fields could not be encrypted: not JSON, or too many. */
export const fieldsRefused: Counter = new Counter('fim.sm4.fields_refused');

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
