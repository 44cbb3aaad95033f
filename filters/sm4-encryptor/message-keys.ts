// Use of KMS keys by the encryptor: to seal, and to open what a profile has parsed.
import { KeyTest, KeyVerdict } from '../keys/key-holder';
import { KeyVersion } from '../keys/key-version';
import { Exchange } from '../runtime/exchange';
import { Opening } from './opening';
import { layPlain, openPlain } from './plain-text';
import { Sm4Policy } from './policy';
import { Parts, Protection, WireProfile } from './protection';

/** Tests whether a version can seal or open the current message. */
export class SuiteTest extends KeyTest {
  /** Result of the last opening. */
  opening: Opening = Opening.Done;
  seals: bool = false;
  private plan: Protection | null = null;
  private profile: WireProfile | null = null;
  private parts: Parts | null = null;

  /** `parts`: parts of the message to open. Null: only tests whether keys fit. */
  begin(plan: Protection, profile: WireProfile, seals: bool, parts: Parts | null): this {
    this.plan = plan;
    this.profile = profile;
    this.parts = parts;
    this.seals = seals;
    this.opening = Opening.Foreign;
    return this;
  }

  fits(key: KeyVersion): bool {
    const plan = this.plan;
    const profile = this.profile;
    if (plan == null || profile == null) return false;
    return plan.suite.fits(key, this.seals) && (key.wrapped.length == 0 || profile.carriesKey);
  }

  /** A genuine message that still does not open would not open under another version either. */
  isGenuine(key: KeyVersion): bool {
    const plan = this.plan;
    const profile = this.profile;
    const parts = this.parts;
    if (plan == null || profile == null || parts == null) return false;
    this.opening = plan.suite.authenticates ? profile.open(plan, key, parts) : openPlain(plan, key, parts);
    return this.opening != Opening.Forged;
  }
}

const test: SuiteTest = new SuiteTest();

/** Finds the version to seal with. After `Genuine` it is in `sm4.keys.key`. */
export function keyToSeal(exchange: Exchange, sm4: Sm4Policy): KeyVerdict {
  return sm4.keys.newest(exchange, test.begin(sm4.plan, sm4.profile, true, null));
}

/** Finds the version that a stream began with. */
export function keyNumbered(exchange: Exchange, sm4: Sm4Policy, version: u32, seals: bool): KeyVerdict {
  return sm4.keys.numbered(exchange, version, test.begin(sm4.plan, sm4.profile, seals, null));
}

/** Finds the data key that a stream carries. */
export function keyUnwrapped(exchange: Exchange, sm4: Sm4Policy, wrapped: usize, length: u32): KeyVerdict {
  return sm4.keys.unwrapped(exchange, wrapped, length, test.begin(sm4.plan, sm4.profile, false, null));
}

/**
 * Opens the message parsed by `read`, with the version that it names, the data key that it carries, or a version that
 * fits. `opening` is the result if a key was available.
 */
export function openWith(exchange: Exchange, sm4: Sm4Policy, parts: Parts): KeyVerdict {
  const keys = sm4.keys;
  test.begin(sm4.plan, sm4.profile, false, parts);
  layPlain(exchange.message.layout);
  let verdict: KeyVerdict;
  if (parts.wrappedLength > 0 && !sm4.plan.suite.wraps)
    verdict = keys.unwrapped(exchange, parts.wrapped, parts.wrappedLength, test);
  else if (parts.version != 0) verdict = keys.numbered(exchange, parts.version, test);
  else {
    verdict = keys.judge(exchange, test);
    opening = test.opening;
    return verdict;
  }
  if (verdict == KeyVerdict.Genuine) verdict = keys.test(test);
  opening = test.opening;
  return verdict;
}

/** Result of the last `openWith`. */
export let opening: Opening = Opening.Done;
