import {functionOf, type FunctionBuilder, type Local} from './assembler.js';
import {FLOAT, VECTOR} from './sizes.js';

/** The arguments of the generated function, all i32: addresses, sizes, and bytes from one example's vector to the next. */
const PARAMETERS = ['a', 'b', 'c', 'count', 'rows', 'columns', 'jumpA', 'jumpB'] as const;

/** Vectors that are written in one round. */
const UNROLLED = 4;

/**
 * Outer products `c[e] = a[e]·b[e]ᵀ`: all there is to do is to write. XNNPACK's broadcasting Multiply calls a function for each row.
 */
export function generateOuter(name: string): FunctionBuilder {
  const {f, of} = functionOf(name, PARAMETERS);
  const [row, from, a, left] = [1, 2, 3, 4].map(() => f.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
  ];
  const [c, element] = [of('c'), f.local('v128')];
  /** Writes so many columns at a time, as long as there are as many left. */
  const write = (columns: number, body: () => void): void =>
    f.countDown(left, columns, () => {
      body();
      f.advance(from, columns * FLOAT);
      f.advance(c, columns * FLOAT);
    });
  const writeVectors = (count: number): void =>
    write(4 * count, () => {
      for (let index = 0; index < count; index++) {
        f.get(c);
        f.get(from);
        f.emit('v128.load', index * VECTOR);
        f.get(element);
        f.emit('f32x4.mul');
        f.emit('v128.store', index * VECTOR);
      }
    });
  const writeNumber = (): void =>
    write(1, () => {
      f.get(c);
      f.get(from);
      f.emit('v128.load32_zero', 0);
      f.get(element);
      f.emit('f32x4.mul');
      f.emit('v128.store32_lane', 0, 0);
    });
  const writeRow = (): void => {
    f.assign(element, () => {
      f.get(a);
      f.emit('v128.load32_splat', 0);
    });
    f.assign(from, () => f.get(of('b')));
    f.assign(left, () => f.get(of('columns')));
    writeVectors(UNROLLED);
    writeVectors(1);
    writeNumber();
    f.advance(a, FLOAT);
  };
  f.countDown(of('count'), 1, () => {
    f.assign(a, () => f.get(of('a')));
    f.assign(row, () => f.get(of('rows')));
    f.countDown(row, 1, writeRow);
    f.add(of('a'), () => f.get(of('jumpA')));
    f.add(of('b'), () => f.get(of('jumpB')));
  });
  return f;
}
