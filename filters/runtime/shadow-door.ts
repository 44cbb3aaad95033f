// Differences between a shadow and the policy in force, as the door tells them.
import { DoorKeeper, Visit } from './door';
import { readSamples } from './shadow-samples';
import { SharedValue } from './shared-data';

const LINE_END: u8 = 10;

const shared: SharedValue = new SharedValue();

/** Tells the samples: `{"release":"…","samples":["stricter FIM-PBOC-0007 /transCode"]}`. */
class ShadowDoor extends DoorKeeper {
  attend(visit: Visit): bool {
    if (visit.acts || visit.restLength != 0) return false;
    const answer = visit.answer;
    answer.ascii('{"release":"');
    let lines = 0;
    let began: u32 = 0;
    const length = readSamples(shared) ? shared.length : 0;
    for (let at: u32 = 0; at < length; at++) {
      if (load<u8>(shared.pointer + at) != LINE_END) continue;
      if (lines > 0) answer.ascii(lines == 1 ? '"' : ',"');
      answer.jsonText(shared.pointer + began, at - began);
      answer.ascii(lines == 0 ? '","samples":[' : '"');
      began = at + 1;
      lines++;
    }
    answer.ascii(lines == 0 ? '","samples":[]}\n' : ']}\n');
    return true;
  }
}

export const shadowDoor: ShadowDoor = new ShadowDoor('/shadow/');
