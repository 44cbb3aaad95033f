// The door's answers about limits: the fullest buckets, and which limits a request would meet. Nothing is taken, and of a
// key nothing is told but its hash, which only this process can make.
import { Bytes } from '../memory/bytes';
import { DoorKeeper, Visit } from '../runtime/door';
import { explainLimits } from './explained';
import { tellFullest } from './fullest';

const TOP: Bytes = Bytes.from('top');
const EXPLAIN: Bytes = Bytes.from('explain');

class LimitsDoor extends DoorKeeper {
  attend(visit: Visit): bool {
    if (visit.asksFor(TOP)) tellFullest(visit);
    else if (visit.asksFor(EXPLAIN)) explainLimits(visit);
    else return false;
    return true;
  }
}

export const limitsDoor: LimitsDoor = new LimitsDoor('/limits/');
