import { ABSENT_KEY_MS, MAX_ABSENT_VERSIONS } from '../limits';
import { KeyState } from './key-state';

/** Known facts about versions that are not held. Full tables forget the oldest note. */
export class VersionNotes {
  private readonly absent: StaticArray<u32> = new StaticArray<u32>(MAX_ABSENT_VERSIONS);
  private readonly absentAtMs: StaticArray<u64> = new StaticArray<u64>(MAX_ABSENT_VERSIONS);
  private readonly states: StaticArray<KeyState> = new StaticArray<KeyState>(MAX_ABSENT_VERSIONS);
  private nextAbsent: i32 = 0;
  private readonly genuine: StaticArray<u32> = new StaticArray<u32>(MAX_ABSENT_VERSIONS);
  private nextGenuine: i32 = 0;

  /**
   * Notes that the KMS does not have the version (Absent), or has no key under it (Unreadable). Valid for
   * ABSENT_KEY_MS.
   */
  note(version: u32, state: KeyState, nowMs: u64): void {
    this.absent[this.nextAbsent] = version;
    this.absentAtMs[this.nextAbsent] = nowMs;
    this.states[this.nextAbsent] = state;
    this.nextAbsent = (this.nextAbsent + 1) % MAX_ABSENT_VERSIONS;
  }

  /** Last valid note about a version. Ready if there is none. */
  stateOf(version: u32, nowMs: u64): KeyState {
    for (let i = 1; i <= MAX_ABSENT_VERSIONS; i++) {
      const at = (this.nextAbsent + MAX_ABSENT_VERSIONS - i) % MAX_ABSENT_VERSIONS;
      if (this.absent[at] == version && nowMs - this.absentAtMs[at] < ABSENT_KEY_MS) return this.states[at];
    }
    return KeyState.Ready;
  }

  /**
   * Notes that the version had to make room and that messages under it were genuine. It is fetched before unproven
   * ones.
   */
  noteGenuine(version: u32): void {
    if (this.wasGenuine(version)) return;
    this.genuine[this.nextGenuine] = version;
    this.nextGenuine = (this.nextGenuine + 1) % MAX_ABSENT_VERSIONS;
  }

  wasGenuine(version: u32): bool {
    for (let i = 0; i < MAX_ABSENT_VERSIONS; i++) if (this.genuine[i] == version) return true;
    return false;
  }
}
