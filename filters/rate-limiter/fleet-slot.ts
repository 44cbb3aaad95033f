import { Bytes } from '../memory/bytes';
import { RateLimitFleetConfig } from './config.gen';

const PREFIX: string = 'x-fim-limit-';

/** The headers that carry the question for one global limit to Envoy's rate-limit filter. */
export class FleetSlot {
  /** Name of the limit. Its own name says what happens to the request while the service does not answer. */
  readonly id: Bytes;
  readonly terms: Bytes;
  readonly key: Bytes;
  readonly cost: Bytes;

  constructor(config: RateLimitFleetConfig) {
    const number = (<u32>config.slot).toString();
    this.id = Bytes.from(PREFIX + (config.closed ? 'closed-' : 'open-') + number);
    this.terms = Bytes.from(PREFIX + 'terms-' + number);
    this.key = Bytes.from(PREFIX + 'key-' + number);
    this.cost = Bytes.from(PREFIX + 'cost-' + number);
  }
}
