import {functionOf, type FunctionBuilder, type Local} from './assembler.js';
import {packPanel} from './panel.js';
import {FLOAT, PANEL, VECTOR} from './sizes.js';

/**
 * NOTE [product kernel]
 * Products of stacks of matrices, as tfjs's BatchMatMul: `c[e] = a[e]·b[e]`, either side stored transposed, or the same for all examples. The wasm
 * backend has XNNPACK's kernel for one product of plain matrices, and plain loops for all else, 12 to 30 times slower.
 *
 * As in XNNPACK and BLIS (Van Zee and van de Geijn, https://doi.org/10.1145/2764454), a tile of the result, of a few rows and eight columns, stays
 * in registers while the inner dimension goes by: for each of its steps two vectors of b are loaded, and an element of a for each row is spread
 * over four lanes. Eight columns of b, a panel, are copied to where they lie one after the other, which puts a transposed b right as well,
 * and stay in the nearest cache while all rows of a go by. Elements of a need no copying: transposed or not, they are loaded one by one.
 */

/** Rows of a tile: with more, sums and operands would not fit the 16 vector registers of x64. */
const TILE_ROWS = 4;

/** The arguments of the generated function, all i32. */
const PARAMETERS = [
  /** Addresses. */
  'a',
  'b',
  'c',
  /** How many products. */
  'count',
  'rows',
  'inner',
  'columns',
  /** Bytes from one matrix to the next; 0 where all examples share it. */
  'jumpA',
  'jumpB',
  /** Whether b is stored transposed. */
  'transposedB',
  /** The address of `PANEL` floats for each step of the inner dimension. */
  'panel',
] as const;

type Parameter = (typeof PARAMETERS)[number];

/** The function for `a` stored by rows, or transposed. */
export const generateProduct = (name: string, transposedA: boolean): FunctionBuilder =>
  new Product(name, transposedA).f;

class Product {
  readonly f: FunctionBuilder;
  private readonly of: (parameter: Parameter) => Local;
  /** How many columns of the panel there are. */
  private readonly width: Local;
  /** Where the panel's columns are, and the bytes from one step of the inner dimension to the next there. */
  private readonly source: Local;
  private readonly stepB: Local;
  /** Bytes of a row of the result and, as it is stored, of a. */
  private readonly rowC: Local;
  private readonly rowA: Local;

  constructor(
    name: string,
    private readonly transposedA: boolean,
  ) {
    const {f, of} = functionOf(name, PARAMETERS);
    this.f = f;
    this.of = of;
    this.width = f.local('i32');
    this.source = f.local('i32');
    this.stepB = f.local('i32');
    this.rowC = f.local('i32');
    this.rowA = f.local('i32');
    f.assign(this.rowC, () => f.times(() => this.get('columns'), FLOAT));
    f.assign(this.rowA, () => f.times(() => this.get(transposedA ? 'rows' : 'inner'), FLOAT));
    f.countDown(of('count'), 1, () => {
      this.writePanels();
      this.move('a', () => this.get('jumpA'));
      this.move('b', () => this.get('jumpB'));
      this.move('c', () => {
        f.get(this.rowC);
        this.get('rows');
        f.emit('i32.mul');
      });
    });
  }

  private get(parameter: Parameter): void {
    this.f.get(this.of(parameter));
  }

  private move(parameter: Parameter, bytes: () => void): void {
    this.f.add(this.of(parameter), bytes);
  }

  /** One product, eight columns at a time. */
  private writePanels(): void {
    const {f, width} = this;
    const column = f.local('i32');
    f.assign(column, () => f.emit('i32.const', 0));
    f.whileBelow(
      column,
      () => this.get('columns'),
      () => {
        f.assign(width, () => {
          this.get('columns');
          f.get(column);
          f.emit('i32.sub');
        });
        f.get(width);
        f.emit('i32.const', PANEL);
        f.emit('i32.gt_u');
        f.when(() => f.assign(width, () => f.emit('i32.const', PANEL)));
        this.choosePanel(column);
        this.writeTiles(column);
        f.advance(column, PANEL);
      },
    );
  }

  /** Copies the panel, unless it is read but once: then it stays where it is. */
  private choosePanel(column: Local): void {
    const {f, width, source, stepB, rowC} = this;
    const columnOfB = (): void => {
      this.get('b');
      f.times(() => f.get(column), FLOAT);
      f.emit('i32.add');
    };
    const copied = (transposed: boolean): void => {
      packPanel(f, {
        transposed,
        width,
        source,
        rowB: rowC,
        inner: () => this.get('inner'),
        panel: () => this.get('panel'),
      });
      f.assign(source, () => this.get('panel'));
      f.assign(stepB, () => f.emit('i32.const', PANEL * FLOAT));
    };
    this.get('transposedB');
    f.either(
      () => {
        f.assign(source, () => {
          this.get('b');
          f.get(column);
          this.get('inner');
          f.emit('i32.mul');
          f.emit('i32.const', FLOAT);
          f.emit('i32.mul');
          f.emit('i32.add');
        });
        copied(true);
      },
      () => {
        f.assign(source, columnOfB);
        f.get(width);
        f.emit('i32.const', PANEL);
        f.emit('i32.eq');
        this.get('rows');
        f.emit('i32.const', TILE_ROWS);
        f.emit('i32.le_u');
        f.emit('i32.and');
        f.either(
          () => f.assign(stepB, () => f.get(rowC)),
          () => copied(false),
        );
      },
    );
  }

  /** All rows of the result in the panel's columns. */
  private writeTiles(column: Local): void {
    const {f, rowA, rowC} = this;
    const [a, c, left] = [f.local('i32'), f.local('i32'), f.local('i32')];
    f.assign(a, () => this.get('a'));
    f.assign(c, () => {
      this.get('c');
      f.times(() => f.get(column), FLOAT);
      f.emit('i32.add');
    });
    f.assign(left, () => this.get('rows'));
    f.countDown(left, TILE_ROWS, () => {
      this.writeTile(TILE_ROWS, a, c);
      f.add(a, () => {
        if (this.transposedA) f.emit('i32.const', TILE_ROWS * FLOAT);
        else f.times(() => f.get(rowA), TILE_ROWS);
      });
      f.add(c, () => f.times(() => f.get(rowC), TILE_ROWS));
    });
    for (let rows = 1; rows < TILE_ROWS; rows++) {
      f.get(left);
      f.emit('i32.const', rows);
      f.emit('i32.eq');
      f.when(() => this.writeTile(rows, a, c));
    }
  }

  private writeTile(rows: number, a: Local, c: Local): void {
    const {f} = this;
    const sums = Array.from({length: rows}, () => [f.local('v128'), f.local('v128')] as const);
    for (const sum of sums.flat()) {
      f.assign(sum, () => f.emit('v128.const', ...new Array<number>(VECTOR).fill(0)));
    }
    const [b, left] = [f.local('i32'), f.local('i32')];
    f.assign(b, () => f.get(this.source));
    f.assign(left, () => this.get('inner'));
    const elements = this.startRows(a, this.transposedA ? 1 : rows);
    const steps = (count: number): void =>
      f.countDown(left, count, () => {
        for (let index = 0; index < count; index++) {
          this.writeStep(sums, b, (row) => {
            f.get(elements[this.transposedA ? 0 : row]!);
            f.emit('v128.load32_splat', FLOAT * (this.transposedA ? row : index));
          });
          if (this.transposedA) f.add(elements[0]!, () => f.get(this.rowA));
        }
        if (!this.transposedA) for (const pointer of elements) f.advance(pointer, count * FLOAT);
      });
    steps(4);
    steps(1);
    this.store(sums, c);
  }

  /** Addresses of the first elements of so many rows of a as it is stored. */
  private startRows(a: Local, rows: number): readonly Local[] {
    const {f} = this;
    const pointers = Array.from({length: rows}, () => f.local('i32'));
    pointers.forEach((pointer, row) => {
      f.assign(pointer, () => f.get(row === 0 ? a : pointers[row - 1]!));
      if (row > 0) f.add(pointer, () => f.get(this.rowA));
    });
    return pointers;
  }

  /** One step of the inner dimension. */
  private writeStep(
    sums: readonly (readonly Local[])[],
    b: Local,
    loadElement: (row: number) => void,
  ): void {
    const {f} = this;
    const halves = [f.local('v128'), f.local('v128')] as const;
    const element = f.local('v128');
    halves.forEach((half, which) =>
      f.assign(half, () => {
        f.get(b);
        f.emit('v128.load', which * VECTOR);
      }),
    );
    f.add(b, () => f.get(this.stepB));
    sums.forEach((pair, row) => {
      f.assign(element, () => loadElement(row));
      pair.forEach((sum, which) =>
        f.assign(sum, () => {
          f.get(sum);
          f.get(element);
          f.get(halves[which]!);
          f.emit('f32x4.mul');
          f.emit('f32x4.add');
        }),
      );
    });
  }

  private store(sums: readonly (readonly [Local, Local])[], c: Local): void {
    const {f, rowC, width} = this;
    const to = f.local('i32');
    f.assign(to, () => f.get(c));
    f.get(width);
    f.emit('i32.const', PANEL);
    f.emit('i32.eq');
    f.either(
      () =>
        sums.forEach((pair) => {
          pair.forEach((sum, which) => {
            f.get(to);
            f.get(sum);
            f.emit('v128.store', which * VECTOR);
          });
          f.add(to, () => f.get(rowC));
        }),
      () =>
        sums.forEach((pair) => {
          this.storePart(pair, to);
          f.add(to, () => f.get(rowC));
        }),
    );
  }

  /** The first `width` of eight numbers: four, two and one of them, by the bits of the number. */
  private storePart([low, high]: readonly [Local, Local], row: Local): void {
    const {f} = this;
    const [to, rest] = [f.local('i32'), f.local('v128')];
    const ifThereAre = (amount: number, body: () => void): void => {
      f.get(this.width);
      f.emit('i32.const', amount);
      f.emit('i32.and');
      f.when(body);
    };
    f.assign(to, () => f.get(row));
    f.assign(rest, () => f.get(low));
    ifThereAre(4, () => {
      f.get(to);
      f.get(rest);
      f.emit('v128.store', 0);
      f.assign(rest, () => f.get(high));
      f.advance(to, 4 * FLOAT);
    });
    ifThereAre(2, () => {
      f.get(to);
      f.get(rest);
      f.emit('v128.store64_lane', 0, 0);
      f.assign(rest, () => f.shuffle(rest, rest, [2, 3, 2, 3]));
      f.advance(to, 2 * FLOAT);
    });
    ifThereAre(1, () => {
      f.get(to);
      f.get(rest);
      f.emit('v128.store32_lane', 0, 0);
    });
  }
}
