import type {Tensor} from '@tensorflow/tfjs-core';
import type {SlidingAxis} from '../../rules/windows.js';
import {functionOf, type FunctionBuilder, type Local} from './assembler.js';
import {addressOf, generated, newTensor, wasmBackend, type Generated} from './backend.js';
import {FLOAT} from './sizes.js';

/**
 * The arguments of the generated function, all i32: addresses of the first window's corner in the input, of its cotangent, and of the corner
 * in the result; how many windows follow each other, and how many bytes apart; the size of the windows; bytes of a row of the input.
 */
const PARAMETERS = [
  'input',
  'cotangent',
  'result',
  'count',
  'step',
  'rows',
  'columns',
  'rowBytes',
  'channels',
] as const;

/**
 * Adds each window's cotangent where the window has its maximum: to the first of several. Channels are computed four at a time: once through
 * the window to find the number of the largest element, and once more to add there.
 */
function generateUnpool(name: string): FunctionBuilder {
  const {f, of} = functionOf(name, PARAMETERS);
  const integers = Array.from({length: 8}, () => f.local('i32'));
  const [columnBytes, left, input, result, row, rowsLeft, element, columnsLeft] = integers as [
    ...[Local, Local, Local, Local],
    ...[Local, Local, Local, Local],
  ];
  const vectors = Array.from({length: 6}, () => f.local('v128'));
  const [largest, place, number, value, mask, cotangent] = vectors as [
    ...[Local, Local, Local],
    ...[Local, Local, Local],
  ];
  const [zeros, ones, smallest] = [f.int(0), f.int(1), f.float(-Infinity)];

  /** For each element of the window that begins there, numbered through: `element` is its address, `number` its number. */
  const eachElement = (corner: Local, body: () => void): void => {
    f.assign(number, () => f.get(zeros));
    f.assign(row, () => f.get(corner));
    f.assign(rowsLeft, () => f.get(of('rows')));
    f.countDown(rowsLeft, 1, () => {
      f.assign(element, () => f.get(row));
      f.assign(columnsLeft, () => f.get(of('columns')));
      f.countDown(columnsLeft, 1, () => {
        body();
        f.assign(number, () => {
          f.get(number);
          f.get(ones);
          f.emit('i32x4.add');
        });
        f.add(element, () => f.get(columnBytes));
      });
      f.add(row, () => f.get(of('rowBytes')));
    });
  };
  const load = (address: Local, lanes: 4 | 1): void => {
    f.get(address);
    f.emit(lanes === 4 ? 'v128.load' : 'v128.load32_zero', 0);
  };
  const chosen = (one: Local, other: Local): void => {
    f.get(one);
    f.get(other);
    f.get(mask);
    f.emit('v128.bitselect');
  };
  const findLargest = (lanes: 4 | 1): void => {
    f.assign(largest, () => f.get(smallest));
    f.assign(place, () => f.get(zeros));
    eachElement(input, () => {
      f.assign(value, () => load(element, lanes));
      f.assign(mask, () => {
        f.get(value);
        f.get(largest);
        f.emit('f32x4.gt');
      });
      f.assign(largest, () => chosen(value, largest));
      f.assign(place, () => chosen(number, place));
    });
  };
  const addThere = (lanes: 4 | 1): void => {
    f.assign(cotangent, () => load(of('cotangent'), lanes));
    eachElement(result, () => {
      f.get(element);
      load(element, lanes);
      f.get(cotangent);
      f.get(place);
      f.get(number);
      f.emit('i32x4.eq');
      f.emit('v128.and');
      f.emit('f32x4.add');
      if (lanes === 4) f.emit('v128.store', 0);
      else f.emit('v128.store32_lane', 0, 0);
    });
  };
  const channels = (lanes: 4 | 1): void =>
    f.countDown(left, lanes, () => {
      findLargest(lanes);
      addThere(lanes);
      for (const address of [input, result, of('cotangent')]) f.advance(address, lanes * FLOAT);
    });

  f.assign(columnBytes, () => f.times(() => f.get(of('channels')), FLOAT));
  f.countDown(of('count'), 1, () => {
    f.assign(input, () => f.get(of('input')));
    f.assign(result, () => f.get(of('result')));
    f.assign(left, () => f.get(of('channels')));
    channels(4);
    channels(1);
    f.add(of('input'), () => f.get(of('step')));
    f.add(of('result'), () => f.get(of('step')));
  });
  return f;
}

const unpool = (): Generated | null => generated('unpool', generateUnpool);

/** Whether the gradients of maximum pools are generated code, on the wasm backend that is in use. */
export const hasUnpool = (): boolean => unpool() !== null;

/** The part of a window that lies in the input: where it begins and ends. */
function within({before, size, stride, window}: SlidingAxis, index: number): [number, number] {
  const start = index * stride - before;
  return [Math.max(0, start), Math.min(size, start + window)];
}

/**
 * The cotangent of the float32 images `x`, `[N, height, width, channels]`, by that of what a maximum pool made of them. tfjs's kernel takes
 * 16 ms for [16, 24, 24, 64] by 2×2, its ArgMax and ScatterNd 9, this 1.5.
 */
export function unpooled(dy: Tensor, x: Tensor, [vertical, horizontal]: SlidingAxis[]): Tensor {
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = [vertical!, horizontal!];
  const backend = wasmBackend();
  const result = newTensor(backend, {shape: x.shape, dtype: 'float32'});
  const [input, cotangent, into] = [x, dy, result].map((tensor) => addressOf(backend, tensor)) as [
    number,
    number,
    number,
  ];
  backend.wasm.HEAPU8.fill(0, into, into + FLOAT * x.size);
  const add = unpool()!;
  const [columnBytes, rowBytes] = [channels * FLOAT, width * channels * FLOAT];
  // Windows that lie in the input from side to side are all alike.
  const first = Math.min(columns.count, Math.max(0, Math.ceil(columns.before / columns.stride)));
  const fitting = Math.floor((width + columns.before - columns.window) / columns.stride) + 1;
  const last = Math.max(first, Math.min(columns.count, fitting));
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < rows.count; y++) {
      const [top, bottom] = within(rows, y);
      if (bottom <= top) continue;
      const rowAt = (image * height + top) * rowBytes;
      const addWindows = (x: number, count: number): void => {
        const [start, end] = within(columns, x);
        if (end <= start) return;
        const corner = rowAt + start * columnBytes;
        const window = ((image * rows.count + y) * columns.count + x) * columnBytes;
        const step = columns.stride * columnBytes;
        const [sizeY, sizeX] = [bottom - top, end - start];
        const addresses = [input + corner, cotangent + window, into + corner] as const;
        add(...addresses, count, step, sizeY, sizeX, rowBytes, channels);
      };
      for (let x = 0; x < first; x++) addWindows(x, 1);
      if (last > first) addWindows(first, last - first);
      for (let x = last; x < columns.count; x++) addWindows(x, 1);
    }
  }
  return result;
}
