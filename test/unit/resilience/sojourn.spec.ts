import { SojournWatch } from '../../../filters/resilience/sojourn';

describe('SojournWatch', () => {
  it('gives nobody up who is not watched', () => {
    const watch = new SojournWatch();
    expect<bool>(watch.isTooOld(1_000_000, 5000, false)).toBe(false);
  });

  it('gives up those that have waited long once nobody has left early for the interval', () => {
    const watch = new SojournWatch();
    watch.begin(50); // a target of 5, an interval of 50
    expect<bool>(watch.isTooOld(30, 1000, false)).toBe(false);
    expect<bool>(watch.isTooOld(30, 1049, false)).toBe(false);
    expect<bool>(watch.isTooOld(30, 1050, false)).toBe(true);
    expect<bool>(watch.isTooOld(10, 1051, false)).toBe(false);
    expect<bool>(watch.isTooOld(11, 1052, false)).toBe(true);
  });

  it('begins anew when one leaves early, or none is behind', () => {
    const watch = new SojournWatch();
    watch.begin(50);
    watch.isTooOld(30, 1000, false);
    expect<bool>(watch.isTooOld(4, 1040, false)).toBe(false);
    expect<bool>(watch.isTooOld(30, 1060, false)).toBe(false);
    expect<bool>(watch.isTooOld(30, 1100, true)).toBe(false);
    expect<bool>(watch.isTooOld(30, 1120, false)).toBe(false);
    expect<bool>(watch.isTooOld(30, 1170, false)).toBe(true);
  });
});
