import * as tf from '@tensorflow/tfjs-core';
import {jvp, vjp} from '../../../src/index.js';
import {expectAllClose, isClose} from '../../support/compare.js';
import {absoluteDot, describeTensor, dot, toTensor, type HostTensor} from '../../support/host.js';
import {derivativeType, sum} from '../../support/differences.js';
import {differentiable, reference, type Compared, type Sample} from '../sample.js';
import {
  asFloat,
  callOf,
  evaluate,
  floatFunction,
  drawOne,
  readAndDispose,
  restricted,
  toleranceFor,
  type Check,
  type TensorFunction,
} from './check.js';
import {expectedOf} from './expected.js';

export const hasDerivative = (row: Sample): boolean => differentiable(row).length > 0;

/** f's tangents as a function of primals and tangents, one after the other. */
export function tangentsOf(f: TensorFunction, count: number): TensorFunction {
  return (...xs) => jvp(f, xs.slice(0, count), xs.slice(count))[1] as tf.Tensor[];
}

/** The cotangents of f's inputs as a function of primals and of cotangents of its outputs. */
export function cotangentsOf(f: TensorFunction, count: number): TensorFunction {
  return (...xs) => {
    const [, pullback] = vjp(f, xs.slice(0, count));
    try {
      return pullback(xs.slice(count) as never) as tf.Tensor[];
    } finally {
      pullback.dispose();
    }
  };
}

const kernelItself: Check = {
  title: 'the kernel itself agrees with double precision',
  appliesTo: () => true,
  async run(row) {
    const inputs = drawOne(row, 'kernel');
    const actual = await evaluate(callOf(row), inputs);
    const expected = reference(row, inputs).map((output, i) =>
      row.anyDtype === undefined ? output : {...output, dtype: actual[i]?.dtype ?? output.dtype},
    );
    expectAllClose(actual, expected, toleranceFor(row, 'primal'), 'the plain call');
  },
};

const primal: Check = {
  title: 'jvp and vjp give the result of the plain call',
  appliesTo: hasDerivative,
  async run(row) {
    const {inputs, active, u} = expectedOf(row);
    const count = active.length;
    const plain = await evaluate((...xs) => row.call(tf, xs).map(asFloat), inputs);
    const inForward = await evaluate(
      (...xs) => {
        const f = floatFunction(row, xs.slice(0, inputs.length));
        return jvp(
          f,
          active.map((i) => xs[i] as tf.Tensor),
          xs.slice(-count),
        )[0] as tf.Tensor[];
      },
      [...inputs, ...u],
    );
    const inReverse = await evaluate((...xs) => {
      const [output, pullback] = vjp(
        floatFunction(row, xs),
        active.map((i) => xs[i] as tf.Tensor),
      );
      pullback.dispose();
      return output as tf.Tensor[];
    }, inputs);
    expectAllClose(inForward, plain, toleranceFor(row, 'batching'), 'the primal of jvp');
    expectAllClose(inReverse, plain, toleranceFor(row, 'batching'), 'the primal of vjp');
  },
};

const forward: Check = {
  title: 'jvp equals finite differences',
  appliesTo: hasDerivative,
  async run(row) {
    const {inputs, active, u, ju, jacobianByInput} = expectedOf(row);
    const tolerance = toleranceFor(row, 'derivative');
    const constants = inputs.map(toTensor);
    const xs = active.map((i) => inputs[i] as HostTensor);
    const f = floatFunction(row, constants);
    const tangents = await evaluate(tangentsOf(f, active.length), [...xs, ...u]);
    expectAllClose(tangents, float32(ju), tolerance, 'jvp in all inputs');
    if (active.length > 1) {
      for (const [i, input] of active.entries()) {
        const only = restricted(row, constants, [input]);
        const inOne = await evaluate(tangentsOf(only, 1), [xs[i], u[i]] as HostTensor[]);
        const expected = float32(jacobianByInput[i] as HostTensor[]);
        expectAllClose(inOne, expected, tolerance, `jvp in ${row.names[input]}`);
      }
    }
    tf.dispose(constants);
  },
};

const reverse: Check = {
  title: 'vjp is the transpose of finite differences',
  appliesTo: hasDerivative,
  async run(row) {
    const {inputs, active, cotangents} = expectedOf(row);
    const constants = inputs.map(toTensor);
    const primals = active.map((i) => constants[i] as tf.Tensor);
    const cts = cotangents.map(toTensor);
    const [output, pullback] = vjp(floatFunction(row, constants), primals);
    const first = pullback(cts as never) as tf.Tensor[];
    // A pullback may be called again: what it saved is still there, and as it was.
    const again = pullback(cts as never) as tf.Tensor[];
    pullback.dispose();
    tf.dispose([output, cts]);
    checkCotangents(row, active, await readAndDispose(first), 'vjp in all inputs');
    checkCotangents(row, active, await readAndDispose(again), 'the second call of the pullback');
    if (active.length > 1) {
      for (const input of active) {
        const only = cotangentsOf(restricted(row, constants, [input]), 1);
        const inOne = await evaluate(only, [inputs[input] as HostTensor, ...cotangents]);
        checkCotangents(row, [input], inOne, `vjp in ${row.names[input]}`);
      }
    }
    tf.dispose(constants);
  },
};

/** ⟨Jᵀct, u⟩ = ⟨ct, Ju⟩ for each input by itself, and each cotangent has the shape and dtype of its input. */
export function checkCotangents(
  row: Sample,
  active: readonly number[],
  actual: readonly HostTensor[],
  what: string,
): void {
  const expected = expectedOf(row);
  const {inputs, u, cotangents, jacobianByInput} = expected;
  active.forEach((input, i) => {
    const place = expected.active.indexOf(input);
    const got = actual[i];
    const wanted = inputs[input] as HostTensor;
    if (got === undefined || describeTensor(got) !== describeTensor(wanted)) {
      throw new Error(
        `${what}: the cotangent of ${row.names[input]} is ${got ? describeTensor(got) : 'missing'}, ` +
          `expected ${describeTensor(wanted)}`,
      );
    }
    expectSameDot(
      row,
      'derivative',
      [[got, u[place] as HostTensor]],
      pairs(cotangents, jacobianByInput[place] as HostTensor[]),
      `${what}: ⟨cotangent of ${row.names[input]}, u⟩ and ⟨ct, Ju⟩`,
    );
  });
}

type Pair = readonly [HostTensor, HostTensor];

function pairs(a: readonly HostTensor[], b: readonly HostTensor[]): Pair[] {
  return a.map((item, i) => [item, b[i] as HostTensor]);
}

/** Σ⟨a, b⟩ over the actual pairs and over the expected ones, up to the rounding errors of their terms. */
function expectSameDot(
  row: Sample,
  compared: Compared,
  actual: readonly Pair[],
  expected: readonly Pair[],
  what: string,
): void {
  const {relative, absolute} = toleranceFor(row, compared);
  const total = (pairsOf: readonly Pair[], f: (a: HostTensor, b: HostTensor) => number) =>
    pairsOf.reduce((value, [a, b]) => value + f(a, b), 0);
  const left = total(actual, dot);
  const right = total(expected, dot);
  const scale = Math.max(total(actual, absoluteDot), total(expected, absoluteDot));
  const floor = compared === 'second' ? absolute : 0;
  if (!isClose(left, right, (relative + absolute) * scale + floor)) {
    throw new Error(`${what} differ: ${left} and ${right} (scale ${scale.toPrecision(3)})`);
  }
}

const float32 = (outputs: readonly HostTensor[]): HostTensor[] =>
  outputs.map((output) => ({...output, dtype: derivativeType(output)}));

const secondOrder: Check = {
  title: 'second derivatives of all four kinds equal finite differences',
  appliesTo: hasDerivative,
  async run(row) {
    const expected = expectedOf(row);
    const {inputs, active, u, v, du, cotangents, dCotangents} = expected;
    const constants = inputs.map(toTensor);
    const f = floatFunction(row, constants);
    const n = active.length;
    const xs = active.map((i) => inputs[i] as HostTensor);
    const tangent = tangentsOf(f, n);
    const cotangent = cotangentsOf(f, n);
    // Along v in x, and along du or dct in the tangent or cotangent: D²f[u, v] + J du, and what is dual to it.
    const forwardOverForward = await evaluate(tangentsOf(tangent, 2 * n), [
      ...xs,
      ...u,
      ...v,
      ...du,
    ]);
    const curvature = float32(
      expected.second.map((output, i) => sum([output, expected.jdu[i] as HostTensor])),
    );
    expectAllClose(forwardOverForward, curvature, toleranceFor(row, 'second'), 'jvp of jvp');

    const forwardOverReverse = await evaluate(tangentsOf(cotangent, n + cotangents.length), [
      ...xs,
      ...cotangents,
      ...v,
      ...dCotangents,
    ]);
    expectDual(pairs(forwardOverReverse, u), dualOf(dCotangents, expected.ju), 'jvp of vjp');

    const reverseOverForward = await evaluate(cotangentsOf(tangent, 2 * n), [
      ...xs,
      ...u,
      ...cotangents,
    ]);
    expectDual(
      pairs(reverseOverForward, [...v, ...du]),
      dualOf(cotangents, expected.jdu),
      'vjp of jvp',
    );

    const reverseOverReverse = await evaluate(cotangentsOf(cotangent, n + cotangents.length), [
      ...xs,
      ...cotangents,
      ...u,
    ]);
    expectDual(
      pairs(reverseOverReverse, [...v, ...dCotangents]),
      dualOf(dCotangents, expected.ju),
      'vjp of vjp',
    );
    tf.dispose(constants);

    function dualOf(ct: readonly HostTensor[], linear: readonly HostTensor[]): Pair[] {
      return [...pairs(cotangents, expected.second), ...pairs(ct, linear)];
    }
    function expectDual(actual: readonly Pair[], wanted: readonly Pair[], what: string): void {
      expectSameDot(row, 'second', actual, wanted, `${what}, contracted with random directions,`);
    }
  },
};

export const derivativeChecks: readonly Check[] = [
  kernelItself,
  primal,
  forward,
  reverse,
  secondOrder,
];
