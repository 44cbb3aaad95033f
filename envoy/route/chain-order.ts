// Routes that a chain of single-stage filters can serve. Requests pass the filters downwards and responses upwards, in
// the same order for all routes.
import type { Report } from './schema-check.ts';
import type { Sections } from './sections.ts';
import { DIRECTIONS, RANKS, type Direction, type Rank } from './stages/stage-row.ts';
import { askedStages, CHAIN, type AskedStage } from './stages/table.ts';

const ORDER = Object.keys(RANKS) as Rank[];

/** Reports stages that a chain has not, and directions whose stages it would run in a wrong order. */
export function checkChain(sections: Sections, report: Report): void {
  const asked = askedStages(sections);
  for (const { row, section } of asked)
    if (row.onlyFused !== undefined) report('FIM-CFG-1052', section.path, row.onlyFused);
  const chained = asked.filter(({ row }) => CHAIN.includes(row));
  for (const direction of DIRECTIONS)
    checkDirection(direction === 'Request' ? chained : chained.toReversed(), direction, report);
}

/**
 * `met`: the stages in the order in which messages of the direction meet them. Of two in a wrong order the one further
 * down the chain is named.
 */
function checkDirection(met: readonly AskedStage[], direction: Direction, report: Report): void {
  let before: (AskedStage & { rank: Rank }) | undefined;
  for (const { row, section } of met) {
    const rank = row.rank(section.value, direction);
    if (rank === undefined) continue;
    if (before !== undefined && ORDER.indexOf(before.rank) >= ORDER.indexOf(rank)) {
      const { path } = direction === 'Request' ? section : before.section;
      const what = direction.toLowerCase();
      report('FIM-CFG-1052', path, `a ${what} would be ${RANKS[before.rank]} before it is ${RANKS[rank]}`);
      return;
    }
    before = { row, section, rank };
  }
}
