import {drawSvg} from '../common/plot.js';

/** Every so many steps of a motion are drawn. */
const STRIDE = 4;

/** Energies and forces over the distance, exact and learned, and the total energy of a cluster over time. */
export function drawPotentials(
  grid: readonly number[],
  curves: readonly {name: string; energies: readonly number[]; forces: readonly number[]}[],
  motions: Readonly<Record<string, readonly (readonly number[])[]>>,
  timeStep: number,
): Promise<string> {
  const overDistance = (key: 'energies' | 'forces', title: string): object => ({
    width: 200,
    height: 180,
    data: {
      values: curves.flatMap(({name, [key]: values}) =>
        grid.map((r, i) => ({r: round(r), value: round(values[i]!), which: name})),
      ),
    },
    mark: 'line',
    encoding: {
      x: {field: 'r', type: 'quantitative', title: 'distance', scale: {zero: false}},
      y: {field: 'value', type: 'quantitative', title},
      ...shared,
    },
  });
  const energies = Object.entries(motions).flatMap(([which, rows]) =>
    rows
      .map((row, step) => ({time: round(step * timeStep), energy: round(row[0]!), which}))
      .filter((_, step) => step % STRIDE === 0),
  );
  return drawSvg({
    hconcat: [
      overDistance('energies', 'energy of a pair'),
      overDistance('forces', 'force of a pair'),
      {
        width: 200,
        height: 180,
        data: {values: energies},
        mark: 'line',
        encoding: {
          x: {field: 'time', type: 'quantitative'},
          y: {
            field: 'energy',
            type: 'quantitative',
            title: 'total energy of a cluster',
            scale: {zero: false},
          },
          ...shared,
        },
      },
    ],
  });
}

const shared = {
  color: {field: 'which', type: 'nominal', title: null, sort: null},
  strokeDash: {condition: {test: "datum.which === 'learned'", value: [4, 3]}, value: [1, 0]},
};

const round = (value: number): number => Number(value.toFixed(4));
