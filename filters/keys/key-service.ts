import { Service } from '../runtime/service';
import { tickKeys } from './key-store';
import { defineKeyStats } from './stats';

/** The keys of a VM as a service: refreshed and ended by its ticks, whatever stages use them. */
class KeyService extends Service {
  start(): bool {
    defineKeyStats();
    return true;
  }

  tick(rootId: u32): void {
    tickKeys(rootId);
  }
}

export const keyService: Service = new KeyService();
