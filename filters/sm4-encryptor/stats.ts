import { Counter } from '../runtime/metrics';

/** Bodies encrypted and decrypted. */
export const encrypted: Counter = new Counter('fim.sm4.encrypted');
export const decrypted: Counter = new Counter('fim.sm4.decrypted');
/** Messages that could not be opened, by reason; the sender sees one and the same answer. */
export const openMalformed: Counter = new Counter('fim.sm4.open_malformed');
export const openForeign: Counter = new Counter('fim.sm4.open_foreign_key');
export const openVersionAbsent: Counter = new Counter('fim.sm4.open_version_absent');
export const openForged: Counter = new Counter('fim.sm4.open_tag_wrong');
/** Messages refused because no key could be had. */
export const keyUnavailable: Counter = new Counter('fim.sm4.key_unavailable');

export function defineSm4Stats(): void {
  encrypted.define();
  decrypted.define();
  openMalformed.define();
  openForeign.define();
  openVersionAbsent.define();
  openForged.define();
  keyUnavailable.define();
}
