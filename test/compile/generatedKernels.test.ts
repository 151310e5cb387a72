import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {fusingCompiler, type FusedFunction} from '../../src/compile/index.js';
import {elementwise, reductions} from '../../src/compile/codegen/elementwise.js';
import {makeFx} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {callOf, drawOne} from '../kernels/checks/check.js';
import {table} from '../kernels/table.js';
import {toTensor} from '../support/host.js';
import {expectClose, tidied} from './support.js';

type Own = <T extends {dispose(): void}>(thing: T) => T;
type F = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** Compiles a function's graph as it is, without passes. */
function compiled(own: Own, f: F, inputs: readonly tf.Tensor[]): FusedFunction {
  return fusingCompiler()(own(makeFx(f)(...inputs)).graph);
}

const codeOf = ({lowered}: FusedFunction): (string | null)[] => lowered.steps.map(({code}) => code);

function expectGenerated(f: FusedFunction): void {
  expect(codeOf(f)).to.have.length(1).and.not.include(null);
}

const SPECIAL = [0, -0, 1, -1, 0.5, -2.5, 3.5, 6, 7, 30, -30, 1e-40, 1e30, NaN];
const INFINITE = [Infinity, -Infinity];

/** Where tfjs's own kernel on wasm is wrong, and generated code is not. */
const WRONG_ON_WASM: Readonly<Record<string, readonly number[]>> = {
  // It reduces large arguments in too few bits.
  Cos: [1e30],
  Sin: [1e30],
  // It takes what is below 1e-7 for 0.
  Sign: [1e-40],
};

describeBackends(
  'kernels in generated code',
  (backend) => {
    const wrong: Readonly<Record<string, readonly number[]>> =
      backend === 'wasm' ? WRONG_ON_WASM : {};
    const named = table.filter(({kernel}) => kernel in elementwise || reductions.has(kernel));
    const generated = new Set<string>();

    for (const row of named) {
      it(
        `${row.kernel} ${row.label} equals tfjs's own`,
        tidied((own) => {
          if (
            row.faulty?.[backend] !== undefined ||
            tf.getKernel(row.kernel, backend) === undefined
          )
            return;
          const inputs = drawOne(row, 'compiled').map(toTensor);
          const f = compiled(own, callOf(row), inputs);
          if (!codeOf(f).includes(null)) generated.add(row.kernel);
          const [given, wanted] = [f(inputs), row.call(tf, inputs)];
          const isEmpty = wanted.some(({size}) => size === 0);
          if (isEmpty) expect(given[0]!.shape).to.deep.equal(wanted[0]!.shape);
          else expectClose(given, wanted, backend === 'cpu' && row.kernel !== 'Mean' ? 0 : 2e-6);
        }),
      );
    }

    it('there is generated code for every kernel that the generator names', () => {
      const missing = [...Object.keys(elementwise), ...reductions].filter(
        (kernel) => !generated.has(kernel) && tf.getKernel(kernel, backend) !== undefined,
      );
      expect(missing).to.deep.equal([]);
    });

    const isUnary = (kernel: string): boolean => elementwise[kernel]!.inputs.toString() === 'x';
    const isBinary = (kernel: string): boolean => elementwise[kernel]!.inputs.toString() === 'a,b';
    const available = Object.keys(elementwise).filter(
      (kernel) => tf.getKernel(kernel, backend) !== undefined && !['Cast', 'Tile'].includes(kernel),
    );
    const run = (kernel: string, inputs: tf.NamedTensorMap): tf.Tensor =>
      tf.engine().runKernel<tf.Tensor>(kernel, inputs, {
        ...(kernel === 'ClipByValue' ? {clipValueMin: -1, clipValueMax: 2} : {}),
        ...(kernel === 'LeakyRelu' ? {alpha: 0.1} : {}),
        ...(kernel === 'Step' ? {alpha: 0.25} : {}),
      });

    /** XNNPACK's and libm's last bits differ from ours; what a result is, does not. */
    function expectSame(kernel: string, f: F, own: Own, inputs: readonly tf.Tensor[]): void {
      const code = compiled(own, f, inputs);
      expectGenerated(code);
      const [given, wanted] = [code(inputs)[0]!, f(...inputs) as tf.Tensor];
      expect(given.dtype).to.equal(wanted.dtype);
      const [a, e] = [given.dataSync(), wanted.dataSync()];
      const show = (i: number): string =>
        `${kernel}(${inputs.map((input) => input.dataSync()[i]).join()})`;
      e.forEach((value, i) => {
        if (!Number.isFinite(value)) expect(a[i], show(i)).to.deep.equal(value);
        else expect(a[i], show(i)).to.be.closeTo(value, 2e-6 * Math.abs(value) + 1e-7);
      });
    }

    for (const kernel of available.filter(isUnary)) {
      it(
        `${kernel} of NaN, infinities, zeros and large numbers is as tfjs's own`,
        tidied((own) => {
          const isLogical = kernel === 'LogicalNot';
          const x = isLogical
            ? tf.tensor1d([true, false, true, true, false], 'bool')
            : tf.tensor1d([...SPECIAL, ...INFINITE].filter((x) => !wrong[kernel]?.includes(x)));
          expectSame(kernel, (x) => run(kernel, {x: x!}), own, [x]);
        }),
      );
    }

    for (const kernel of available.filter(isBinary)) {
      it(
        `${kernel} of every pair of special numbers is as tfjs's own`,
        tidied((own) => {
          const isLogical = kernel.startsWith('Logical');
          const numbers = isLogical ? [0, 1] : [...SPECIAL, ...INFINITE];
          const dtype = isLogical ? 'bool' : 'float32';
          const pairs = numbers.flatMap((a) => numbers.map((b) => [a, b] as const));
          const a = tf.tensor1d(
            pairs.map(([a]) => a),
            dtype,
          );
          const b = tf.tensor1d(
            pairs.map(([, b]) => b),
            dtype,
          );
          expectSame(kernel, (a, b) => run(kernel, {a: a!, b: b!}), own, [a, b]);
        }),
      );
    }

    it(
      'rows of every length are computed to their ends',
      tidied((own) => {
        for (let n = 1; n <= 19; n++) {
          const x = tf.linspace(-1, 2, n);
          const f: F = (x) => [
            tf.tanh(tf.mul(x!, 2)),
            tf.greater(x!, 0.5),
            tf.sum(tf.exp(x!)),
            tf.max(x!),
          ];
          const g = compiled(own, f, [x]);
          // Of one number the reductions are the number itself.
          if (n > 1) expectGenerated(g);
          expectClose(g([x]), f(x), 1e-5);
        }
      }),
    );

    it(
      'broadcasting along any dimensions is followed',
      tidied((own) => {
        const shapes = [
          [],
          [1],
          [7],
          [5, 1],
          [5, 7],
          [1, 7],
          [3, 1, 1],
          [3, 5, 1],
          [3, 1, 7],
          [3, 5, 7],
        ];
        for (const left of shapes) {
          for (const right of shapes) {
            const inputs = [tf.randomUniform(left, 1, 2), tf.randomUniform(right, 1, 2)];
            const f: F = (a, b) => tf.sqrt(tf.sub(tf.mul(a!, b!), tf.div(a!, b!)).abs());
            expectClose(compiled(own, f, inputs)(inputs), [f(...inputs)].flat());
          }
        }
      }),
    );

    it(
      'reductions over any dimensions, alone and inside of chains, are those of tfjs',
      tidied((own) => {
        const x = tf.randomUniform([3, 4, 5], -1, 1);
        const axes = [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]];
        for (const axis of axes) {
          for (const keepDims of [true, false]) {
            for (const reduce of [tf.sum, tf.mean, tf.max, tf.min, tf.prod]) {
              const alone: F = (x) => reduce(tf.add(tf.square(x!), 0.5), axis, keepDims);
              expectClose(compiled(own, alone, [x])([x]), [alone(x)].flat(), 1e-5);
            }
            if (!keepDims) continue;
            const inside: F = (x) => {
              const e = tf.exp(tf.sub(x!, tf.max(x!, axis, true)));
              const p = tf.div(e, tf.sum(e, axis, true));
              return [p, tf.sum(tf.mul(p, tf.sub(x!, tf.mean(x!, axis, true))), axis)];
            };
            expectClose(compiled(own, inside, [x])([x]), inside(x), 1e-5);
          }
        }
      }),
    );

    it(
      'a layer norm and its gradient are right at odd sizes',
      tidied((own) => {
        const [x, scale] = [tf.randomUniform([7, 13], -2, 2), tf.randomUniform([13], 1, 2)];
        const f: F = (x, scale) => {
          const centred = tf.sub(x!, tf.mean(x!, -1, true));
          const variance = tf.mean(tf.square(centred), -1, true);
          return tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), scale!);
        };
        const g = compiled(own, f, [x, scale]);
        expectGenerated(g);
        expectClose(g([x, scale]), [f(x, scale)].flat());
      }),
    );

    it(
      'repeating along dimensions of size 1 needs no memory of its own',
      tidied((own) => {
        for (const shape of [
          [1, 1],
          [3, 1],
          [1, 5],
          [3, 5],
        ] as const) {
          const inputs = [tf.randomUniform([...shape]), tf.randomUniform([3, 5])];
          const f: F = (x, y) => {
            const wide = tf.broadcastTo(x!, [3, 5]);
            return [tf.mul(tf.exp(wide), y!), wide];
          };
          const g = compiled(own, f, inputs);
          expectGenerated(g);
          expectClose(g(inputs), f(...inputs));
        }
        const x = tf.randomUniform([3, 5]);
        const twice: F = (x) => tf.neg(tf.tile(x!, [2, 1]));
        const g = compiled(own, twice, [x]);
        expect(codeOf(g)[0]).to.equal(null);
        expectClose(g([x]), [twice(x)].flat());
      }),
    );

    it(
      'integers and booleans are computed as such',
      tidied((own) => {
        const a = tf.tensor1d([-7, 7, 3, 2147483647, 0, 12, -2147483648], 'int32');
        const b = tf.tensor1d([2, -2, 5, 2, 0, 12, 1], 'int32');
        const f: F = (a, b) => {
          const greater = tf.greater(a!, b!);
          return [
            tf.add(a!, b!),
            tf.sub(a!, b!),
            tf.maximum(a!, b!),
            greater,
            tf.logicalNot(greater),
            tf.logicalOr(greater, tf.equal(a!, b!)),
            tf.cast(greater, 'float32'),
            tf.cast(greater, 'int32'),
            tf.cast(a!, 'float32'),
            tf.where(greater, a!, b!),
          ];
        };
        const g = compiled(own, f, [a, b]);
        expectGenerated(g);
        // The cpu backend casts integers to floats by calling them floats: 2147483647 is none.
        expectClose(g([a, b]), f(a, b), backend === 'cpu' ? 1e-9 : 0);
      }),
    );
  },
  {only: ['cpu', 'wasm']},
);
