import type {FunctionBuilder, Local} from './assembler.js';
import {FLOAT, PANEL, VECTOR} from './sizes.js';

/** Eight columns of a matrix `b` of `inner` rows, or fewer of them at its end. */
export interface PanelOfB {
  /** Whether the matrix is stored transposed, so that its columns are rows in memory. */
  readonly transposed: boolean;
  /** How many columns there are, up to `PANEL`. */
  readonly width: Local;
  /** The address of the first element. */
  readonly source: Local;
  /** Bytes of a row, where it is not stored transposed. */
  readonly rowB: Local;
  readonly inner: () => void;
  /** The address to copy to. */
  readonly panel: () => void;
}

/** Copies the columns so that those of each row lie together, `PANEL` floats for each row, with zeros for columns that are not there. */
export function packPanel(f: FunctionBuilder, columns: PanelOfB): void {
  f.get(columns.width);
  f.emit('i32.const', PANEL);
  f.emit('i32.eq');
  f.either(
    () => (columns.transposed ? packTransposed(f, columns) : packRows(f, columns)),
    () => packElements(f, columns),
  );
}

/** From `panel` on: `to` is where so many rows begin, and `end` where they end. */
function startPanel(f: FunctionBuilder, {panel}: PanelOfB, rows: () => void): [Local, Local] {
  const [to, end] = [f.local('i32'), f.local('i32')];
  f.assign(to, panel);
  f.assign(end, panel);
  f.add(end, () => f.times(rows, PANEL * FLOAT));
  return [to, end];
}

function packRows(f: FunctionBuilder, columns: PanelOfB): void {
  const {source, rowB, inner} = columns;
  const [to, end] = startPanel(f, columns, inner);
  const from = f.local('i32');
  f.assign(from, () => f.get(source));
  f.whileBelow(
    to,
    () => f.get(end),
    () => {
      for (const offset of [0, VECTOR]) {
        f.get(to);
        f.get(from);
        f.emit('v128.load', offset);
        f.emit('v128.store', offset);
      }
      f.add(from, () => f.get(rowB));
      f.advance(to, PANEL * FLOAT);
    },
  );
}

/** Four rows of four columns at a time, and the last rows number by number. */
function packTransposed(f: FunctionBuilder, columns: PanelOfB): void {
  const {source, inner} = columns;
  const stored = Array.from({length: PANEL}, () => f.local('i32'));
  stored.forEach((row, index) => {
    f.assign(row, () => f.get(index === 0 ? source : stored[index - 1]!));
    if (index > 0) f.add(row, () => f.times(inner, FLOAT));
  });
  const [to, end] = startPanel(f, columns, () => {
    inner();
    f.emit('i32.const', -4);
    f.emit('i32.and');
  });
  f.whileBelow(
    to,
    () => f.get(end),
    () => {
      for (const first of [0, 4]) transposeFour(f, stored.slice(first, first + 4), to, first);
      for (const row of stored) f.advance(row, VECTOR);
      f.advance(to, 4 * PANEL * FLOAT);
    },
  );
  const left = f.local('i32');
  f.assign(left, () => {
    inner();
    f.emit('i32.const', 3);
    f.emit('i32.and');
  });
  f.countDown(left, 1, () => {
    stored.forEach((row, index) => {
      f.get(to);
      f.get(row);
      f.emit('i32.load', 0);
      f.emit('i32.store', index * FLOAT);
      f.advance(row, FLOAT);
    });
    f.advance(to, PANEL * FLOAT);
  });
}

/** Four numbers of each of four stored rows, as four columns of the panel, from `column` on. */
function transposeFour(
  f: FunctionBuilder,
  rows: readonly Local[],
  to: Local,
  column: number,
): void {
  const keep = (write: () => void): Local => {
    const local = f.local('v128');
    f.assign(local, write);
    return local;
  };
  const mix = (left: Local, right: Local, lanes: readonly number[]): Local =>
    keep(() => f.shuffle(left, right, lanes));
  const [a, b, c, d] = rows.map((row) =>
    keep(() => {
      f.get(row);
      f.emit('v128.load', 0);
    }),
  ) as [Local, Local, Local, Local];
  for (const half of [0, 2]) {
    const lanes = [half, half + 4, half + 1, half + 5];
    const [ab, cd] = [mix(a, b, lanes), mix(c, d, lanes)];
    [mix(ab, cd, [0, 1, 4, 5]), mix(ab, cd, [2, 3, 6, 7])].forEach((vector, row) => {
      f.get(to);
      f.get(vector);
      f.emit('v128.store', ((half + row) * PANEL + column) * FLOAT);
    });
  }
}

/** Number by number, after zeros. */
function packElements(
  f: FunctionBuilder,
  {transposed, width, source, rowB, inner, panel}: PanelOfB,
): void {
  const [column, from, to, left] = [1, 2, 3, 4].map(() => f.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
  ];
  panel();
  f.emit('i32.const', 0);
  f.times(inner, PANEL * FLOAT);
  f.emit('memory.fill');
  f.assign(column, () => f.emit('i32.const', 0));
  f.whileBelow(
    column,
    () => f.get(width),
    () => {
      f.assign(from, () => f.get(source));
      f.add(from, () => {
        f.times(() => f.get(column), FLOAT);
        if (!transposed) return;
        inner();
        f.emit('i32.mul');
      });
      f.assign(to, panel);
      f.add(to, () => f.times(() => f.get(column), FLOAT));
      f.assign(left, inner);
      f.countDown(left, 1, () => {
        f.get(to);
        f.get(from);
        f.emit('i32.load', 0);
        f.emit('i32.store', 0);
        f.add(from, () => (transposed ? f.emit('i32.const', FLOAT) : f.get(rowB)));
        f.advance(to, PANEL * FLOAT);
      });
      f.advance(column, 1);
    },
  );
}
