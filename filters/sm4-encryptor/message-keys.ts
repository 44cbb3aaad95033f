// How the encryptor uses a key of the KMS: to seal, and to open what a profile took apart.
import { KeyHolder, KeyTest, KeyVerdict } from '../keys/key-holder';
import { KeyVersion } from '../keys/key-version';
import { Exchange } from '../runtime/exchange';
import { Opening } from './opening';
import { layPlain, openPlain } from './plain-text';
import { Parts, Protection, WireProfile } from './protection';

/** A version seals or opens the message at hand. */
export class SuiteTest extends KeyTest {
  /** How the last opening ended. */
  opening: Opening = Opening.Done;
  seals: bool = false;
  private plan: Protection | null = null;
  private profile: WireProfile | null = null;
  private parts: Parts | null = null;

  /** `parts`: of the message that is opened; null: only whether keys fit is asked. */
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

  /** A message that is genuine and still does not open is none that another version would open. */
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

/** The version to seal with is in `keys.key`, after `Genuine`. */
export function keyToSeal(exchange: Exchange, keys: KeyHolder, plan: Protection, profile: WireProfile): KeyVerdict {
  return keys.newest(exchange, test.begin(plan, profile, true, null));
}

/** The version that a stream began with. */
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

/** The data key that a stream carries. */
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
 * Opens what `read` found, with the version that it names, the data key that it carries, or a version that fits.
 * `opening` says what came of it if a key was there.
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

/** How the last `openWith` ended. */
export let opening: Opening = Opening.Done;
