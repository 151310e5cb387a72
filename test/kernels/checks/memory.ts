import * as tf from '@tensorflow/tfjs-core';
import {jvp, vjp, vmap} from '../../../src/index.js';
import {assertEngineIsClean} from '../../backends.js';
import {toTensor, type HostTensor} from '../../support/host.js';
import {differentiable, isComplex, type Sample} from '../sample.js';
import {batched, front} from './batching.js';
import {
  callOf,
  drawExamples,
  drawLike,
  drawOne,
  floatFunction,
  randomFor,
  refusesVmap,
  restricted,
  type Check,
  type TensorFunction,
} from './check.js';
import {expectedOf} from './expected.js';

/** Runs a transform of the row, gives what came out, and names itself. */
interface Use {
  readonly name: string;
  /** `f` is the row, or the row and then an error. */
  run(f: (call: TensorFunction) => TensorFunction): Results;
}

class Interruption extends Error {}

/** The row runs, and then the user's function throws. */
const interrupted =
  (call: TensorFunction): TensorFunction =>
  (...xs) => {
    call(...xs);
    throw new Interruption('thrown by the function');
  };

function uses(row: Sample): Use[] {
  const mapped = row.specs.map(() => true);
  const found: Use[] = [];
  if (row.specs.length > 0 && !refusesVmap(row)) {
    const mapping = front(mapped);
    const inputs = batched(drawExamples(row, mapped, 2, 'memory'), mapping.inDims);
    found.push({
      name: 'vmap',
      run: (f) =>
        withTensors(inputs, (xs) => vmap(f(callOf(row)), {randomness: 'different'})(...xs)),
    });
  }
  if (differentiable(row).length > 0) {
    found.push(...derivativeUses(row));
  }
  return found;
}

function derivativeUses(row: Sample): Use[] {
  const {active, outputs} = expectedOf(row);
  const inputs = drawOne(row, 'memory');
  const random = randomFor(row, 'memory directions');
  const tangents = active.map((i) => drawLike(inputs[i] as HostTensor, random));
  const cotangents = outputs.map((output) => drawLike(output, random));
  const count = inputs.length;
  const primals = (xs: readonly tf.Tensor[]) => active.map((i) => xs[i] as tf.Tensor);
  return [
    {
      name: 'jvp',
      run: (f) =>
        withTensors([...inputs, ...tangents], (xs) =>
          jvp(f(floatFunction(row, xs.slice(0, count))), primals(xs), xs.slice(count)),
        ),
    },
    {
      name: 'vjp',
      run: (f) =>
        withTensors([...inputs, ...cotangents], (xs) => {
          const [output, pullback] = vjp(f(floatFunction(row, xs.slice(0, count))), primals(xs));
          const result = pullback(xs.slice(count) as never);
          pullback.dispose();
          return [output, result];
        }),
    },
    {
      name: 'vjp of vjp',
      run: (f) =>
        withTensors([...inputs, ...cotangents], (xs) => {
          const [output, pullback] = vjp((...ys: tf.Tensor[]) => {
            const inner = vjp(f(restricted(row, xs.slice(0, count), active)), ys);
            return inner[1](xs.slice(count) as never) as tf.Tensor[];
          }, primals(xs));
          const result = pullback(output as never);
          pullback.dispose();
          return [output, result];
        }),
    },
  ];
}

function withTensors(inputs: readonly HostTensor[], f: (tensors: tf.Tensor[]) => Results): Results {
  const tensors = inputs.map(toTensor);
  try {
    return f(tensors);
  } finally {
    tf.dispose(tensors);
  }
}

/** The tensors of nested lists. */
type Results = tf.Tensor | readonly Results[];

function countTensors(results: Results): number {
  return results instanceof tf.Tensor
    ? 1
    : results.reduce((count, result) => count + countTensors(result), 0);
}

/** How many tensors and buffers more there are after `f`, of which its results are taken off and disposed. */
function growth(f: () => Results): {tensors: number; buffers: number} {
  const before = tf.memory();
  const results = f();
  const held = tf.memory().numTensors - before.numTensors - countTensors(results);
  tf.dispose(results as tf.TensorContainer);
  const after = tf.memory();
  return {
    // Before disposal the results alone are new, after it nothing is.
    tensors: held !== 0 ? held : after.numTensors - before.numTensors,
    buffers: after.numDataBuffers - before.numDataBuffers,
  };
}

const leavesNothing: Check = {
  title: 'transforms leave nothing in memory but their results',
  appliesTo: () => true,
  async run(row) {
    for (const {name, run} of uses(row)) {
      expectNoGrowth(row, name, () => run((call) => call));
    }
  },
};

const survivesErrors: Check = {
  title: 'an error in the middle leaves nothing in memory and the engine untouched',
  appliesTo: () => true,
  async run(row) {
    for (const {name, run} of uses(row)) {
      expectNoGrowth(row, `${name} of a function that throws`, () => {
        try {
          return run(interrupted);
        } catch (error) {
          if (!(error instanceof Interruption)) throw error;
          return [];
        }
      });
      assertEngineIsClean();
    }
  },
};

/**
 * On GPUs a complex tensor shares the data of its parts with the tensors that it was made of. tfjs goes on counting data that the complex
 * tensor is the last to free.
 */
const miscounts = (row: Sample): boolean =>
  ['webgl', 'webgpu'].includes(tf.getBackend()) &&
  (isComplex(row) || row.label.includes('complex64'));

function expectNoGrowth(row: Sample, what: string, f: () => Results): void {
  const {tensors, buffers: counted} = growth(f);
  const buffers = miscounts(row) ? 0 : counted;
  if (tensors !== 0 || buffers !== 0) {
    throw new Error(`${what} left ${tensors} tensors and ${buffers} data buffers behind`);
  }
}

export const memoryChecks: readonly Check[] = [leavesNothing, survivesErrors];
