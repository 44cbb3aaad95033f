// The curves of the overload bench as a picture.

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = 48;
const COLOURS = ['#888888', '#0b6e4f', '#1f77b4', '#d1495b', '#edae49'];

/** One point of a curve: what a service of one capacity made of an offer. */
export interface Point {
  /** Offered, as a part of the capacity. */
  load: number;
  /** Answered with 200 within the budget, as a part of the capacity. */
  goodput: number;
  /** 99th percentile of what was let in, milliseconds. */
  p99Ms: number;
  refused: number;
}

/** Goodput by offered load, one line for each subject, as SVG. */
export function curves(figures: readonly { name: string; points: readonly Point[] }[]): string {
  const most = Math.max(...figures.flatMap(({ points }) => points.map(({ load }) => load)));
  const x = (load: number): number => MARGIN + (load / most) * (WIDTH - 2 * MARGIN);
  const y = (goodput: number): number => HEIGHT - MARGIN - (Math.min(goodput, 1.1) / 1.1) * (HEIGHT - 2 * MARGIN);
  const text = (at: string, words: string, more = ''): string => `<text ${at} ${more}>${words}</text>`;
  const marks = [0, 0.5, 1].flatMap((goodput) => [
    `<line x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${y(goodput)}" y2="${y(goodput)}" stroke="#dddddd"/>`,
    text(`x="${MARGIN - 8}" y="${y(goodput) + 4}"`, String(goodput), 'text-anchor="end"'),
  ]);
  const loads = figures[0]?.points.map(({ load }) => load) ?? [];
  const ticks = loads.map((load) =>
    text(`x="${x(load)}" y="${HEIGHT - MARGIN + 18}"`, `${load}×`, 'text-anchor="middle"'),
  );
  const lines = figures.flatMap(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length]!;
    const path = points.map(({ load, goodput }) => `${x(load).toFixed(1)},${y(goodput).toFixed(1)}`).join(' ');
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      text(`x="${WIDTH - MARGIN - 150}" y="${HEIGHT - MARGIN - 90 + index * 16}"`, name, `fill="${colour}"`),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(`x="${MARGIN}" y="20"`, 'Answers in time, by requests offered, both as parts of the capacity'),
    ...marks,
    ...ticks,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
