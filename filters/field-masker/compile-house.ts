// Compiles the detectors of a house.
import { Bytes } from '../memory/bytes';
import { sharedSpans, SpanPattern } from '../match/span-pattern';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { compileMask, MaskKeys } from './compile-mask';
import { MaskDetector, MaskMethod } from './config.gen';
import { NumberCheck } from './detect/check-digits';
import { House, HouseDetector } from './detect/house';
import { Mask } from './method/mask';
import { houseBit } from './reveal';
import { houseCounter, observedCounter } from './stats';

/** Compiles detectors for one direction, and a mask for each of those that act in it. */
export class HouseCompiler {
  readonly masks: Mask[] = [];

  constructor(
    private readonly reader: ConfigReader,
    private readonly keys: MaskKeys,
    private readonly direction: Direction,
    private readonly observes: bool,
  ) {}

  /** Null: none acts, or there was an error, which is with the reader. */
  compile(detectors: StaticArray<MaskDetector>): House | null {
    const patterns: Bytes[] = [];
    const made: HouseDetector[] = [];
    const nodes: u32[] = [];
    const reader = this.reader;
    for (let i = 0; i < detectors.length; i++) {
      const detector = detectors[i];
      const way = detector.way;
      if (way.method == MaskMethod.Remove || way.method == MaskMethod.Null)
        reader.failMember(ErrorId.FIM_MASK_0007, way.node, 'method');
      const mask = compileMask(reader, way, this.keys, this.direction);
      if (!(this.direction == Direction.Request ? detector.request : detector.response)) continue;
      mask.shownBy = houseBit(detector.class);
      mask.rule = 'detectors[' + i.toString() + ']';
      mask.house = true;
      if (!reader.failed) mask.counter = houseCounter(way.method, this.direction);
      if (this.observes) {
        mask.observes = true;
        if (!reader.failed) mask.counter = observedCounter(way.kind, true, this.direction);
      }
      this.masks.push(mask);
      patterns.push(detector.pattern);
      nodes.push(detector.node);
      const check = <NumberCheck>detector.check;
      made.push(new HouseDetector(check, detector.near, detector.notNear, detector.within));
    }
    if (made.length == 0 || reader.failed) return null;
    const spans = sharedSpans(reader.parts, patterns);
    if (spans != null) return new House(spans, StaticArray.fromArray(made));
    reader.failMember(SpanPattern.lastError, nodes[max(SpanPattern.refused, 0)], 'pattern');
    return null;
  }
}
