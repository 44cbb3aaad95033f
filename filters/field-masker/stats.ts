import {
  MASK_CHANGED,
  MASK_DETECTED,
  MASK_FIELDS,
  MASK_HEADERS,
  MASK_REFUSED,
  MASK_UNCHANGED,
  maskValuesTotal,
} from '../metrics.gen';
import { Counter } from '../runtime/metrics';
import { Direction } from '../runtime/direction';
import { MaskKind, MaskMethod } from './config.gen';
import { KIND_LABELS, METHOD_LABELS } from './labels.gen';

/** Messages in which something was hidden. */
export const maskChanged: Counter = new Counter(MASK_CHANGED);
/** Examined messages without anything to hide. */
export const maskUnchanged: Counter = new Counter(MASK_UNCHANGED);
/** Messages refused because they could not be masked. */
export const maskRefused: Counter = new Counter(MASK_REFUSED);
/** Values hidden by a field rule, and numbers hidden by detection. */
export const maskFields: Counter = new Counter(MASK_FIELDS);
export const maskDetected: Counter = new Counter(MASK_DETECTED);
/** Header values, query parameters and cookies hidden. */
export const maskHeaders: Counter = new Counter(MASK_HEADERS);

export function defineMaskStats(): void {
  maskChanged.define();
  maskUnchanged.define();
  maskRefused.define();
  maskFields.define();
  maskDetected.define();
  maskHeaders.define();
}

/** Counters of values by kind, method and direction, each made once for a VM when a configuration first names it. */
const values: Map<u32, Counter> = new Map<u32, Counter>();

/** Tells counters of what is only counted from those of methods. */
const OBSERVED: u32 = 0x80000000;

/** Stands for a kind in the counters of what a house's detectors find. */
const HOUSE: u32 = 255;

/** The same for what a house's detectors find. */
export function houseCounter(method: MaskMethod, direction: Direction): Counter {
  return counterOf(HOUSE, 'House', method, direction);
}

/** Values hidden in one of these ways. */
export function valuesCounter(kind: MaskKind, method: MaskMethod, direction: Direction): Counter {
  return counterOf(<u32>kind, KIND_LABELS[kind], method, direction);
}

/** Values of a kind, or of a house's detectors, that were counted and stayed. */
export function observedCounter(kind: MaskKind, house: bool, direction: Direction): Counter {
  const side = direction == Direction.Request ? 'request' : 'response';
  const key = OBSERVED | ((house ? HOUSE : <u32>kind) << 16) | (<u32>direction);
  if (values.has(key)) return values.get(key);
  const counter = new Counter(maskValuesTotal(house ? 'House' : KIND_LABELS[kind], 'Observed', side));
  counter.define();
  values.set(key, counter);
  return counter;
}

function counterOf(kind: u32, label: string, method: MaskMethod, direction: Direction): Counter {
  const key = (kind << 16) | ((<u32>method) << 8) | (<u32>direction);
  if (values.has(key)) return values.get(key);
  const side = direction == Direction.Request ? 'request' : 'response';
  const counter = new Counter(maskValuesTotal(label, METHOD_LABELS[method], side));
  counter.define();
  values.set(key, counter);
  return counter;
}
