import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {describeBackends} from '../backends.js';
import {findDifference} from '../support/compare.js';
import {programs, SIZE} from './programs.js';
import {isStockTwice, layers, stacks, type Stack} from './stacks.js';

/** `COMPOSITIONS=2000` draws more of them. */
const RUNS = Number(process.env['COMPOSITIONS'] ?? 120);

/** What float32 loses with each derivative of programs of this size. */
const toleranceOf = (order: number): {relative: number; absolute: number} => ({
  relative: 1e-4,
  absolute: [2e-5, 5e-5, 2e-4, 1e-3, 5e-3][order]!,
});

function check({text, order, tensor, vector}: Stack, x: readonly number[]): void {
  const before = tf.memory().numTensors;
  const input = tf.tensor1d([...x]);
  const output = tf.tidy(() => tensor(input));
  const values = Float64Array.from(output.dataSync());
  tf.dispose([input, output]);
  const kept = tf.memory().numTensors - before;
  if (kept !== 0) throw new Error(`${text} left ${kept} tensors behind`);

  const expected = Float64Array.from(vector(x));
  const shape = [SIZE];
  const difference = findDifference(
    {shape: output.shape, dtype: 'float32', values},
    {shape, dtype: 'float32', values: expected},
    toleranceOf(order),
  );
  // Where everything nearly cancels there is no scale to judge by.
  const small = expected.every((value, i) => Math.abs(value - values[i]!) < 2e-5);
  if (difference !== null && !small) throw new Error(`${text}\nat [${x.join()}]: ${difference}`);
}

const points = fc.array(fc.double({min: -1.2, max: 1.2, noNaN: true}), {
  minLength: SIZE,
  maxLength: SIZE,
});

describeBackends('stacks of transforms over random programs', () => {
  it('agree with nested loops and differences in double precision', () => {
    fc.assert(fc.property(stacks(programs), points, check), {numRuns: RUNS, seed: 20260701});
  }).timeout(0);

  for (const outer of Object.keys(layers)) {
    it(`${outer} of every other transform agrees with loops and differences`, () => {
      const x = [0.3, -0.7, 0.9];
      const program = fc.sample(programs, {seed: 7, numRuns: 3});
      for (const inner of Object.keys(layers).filter((name) => !isStockTwice(outer, name))) {
        for (const {text, tensor, vector} of program) {
          const [a, b] = [layers[outer]!, layers[inner]!];
          check(
            {
              text: `${outer} of ${inner} of ${text}`,
              order: a.order + b.order,
              tensor: a.tensor(b.tensor(tensor)),
              vector: a.vector(b.vector(vector)),
            },
            x,
          );
        }
      }
    }).timeout(0);
  }
});
