// Use of KMS keys by the encryptor: to seal, and to open what a profile has parsed.
import { KeyHolder, KeyTest, KeyVerdict } from '../keys/key-holder';
import { KeyVersion } from '../keys/key-version';
import { Exchange } from '../runtime/exchange';
import { Opening } from './opening';
import { layPlain, openPlain } from './plain-text';
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

/** Finds the version to seal with. After `Genuine` it is in `keys.key`. */
export function keyToSeal(exchange: Exchange, keys: KeyHolder, plan: Protection, profile: WireProfile): KeyVerdict {
  return keys.newest(exchange, test.begin(plan, profile, true, null));
}

/** Finds the version that a stream began with. */
export function keyNumbered(
  exchange: Exchange,
  keys: KeyHolder,
  version: u32,
  plan: Protection,
  profile: WireProfile,
  seals: bool,
): KeyVerdict {
  return keys.numbered(exchange, version, test.begin(plan, profile, seals, null));
}

/** Finds the data key that a stream carries. */
export function keyUnwrapped(
  exchange: Exchange,
  keys: KeyHolder,
  wrapped: usize,
  length: u32,
  plan: Protection,
  profile: WireProfile,
): KeyVerdict {
  return keys.unwrapped(exchange, wrapped, length, test.begin(plan, profile, false, null));
}

/**
 * Opens the message parsed by `read`, with the version that it names, the data key that it carries, or a version that
 * fits. `opening` is the result if a key was available.
 */
export function openWith(
  exchange: Exchange,
  keys: KeyHolder,
  plan: Protection,
  profile: WireProfile,
  parts: Parts,
): KeyVerdict {
  test.begin(plan, profile, false, parts);
  layPlain(exchange.message.layout);
  let verdict: KeyVerdict;
  if (parts.wrappedLength > 0 && !plan.suite.wraps)
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
