import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {rules} from '../../src/rules/index.js';
import {describeBackends} from '../backends.js';
import {inScope, type Check} from './checks/check.js';
import {checks} from './checks/index.js';
import {opSample, sample, type Sample} from './sample.js';
import {f32} from './spec.js';

/** The parts of a rule that are broken here. */
interface LooseRule {
  readonly batch: (inputs: Inputs, attrs: object, size: number) => tf.Tensor;
  readonly jvp?: (...args: readonly unknown[]) => tf.Tensor;
  readonly vjp?: LooseVjp;
}

interface LooseVjp {
  readonly pullback: (dy: tf.Tensor, residuals: Residuals, attrs: object) => Thunks;
}

type Inputs = Readonly<Record<string, {readonly value: tf.Tensor; readonly mapped: boolean}>>;
type Residuals = Readonly<Record<string, tf.Tensor>>;
type Thunks = Readonly<Record<string, () => tf.Tensor>>;

interface Fault {
  readonly what: string;
  readonly row: Sample;
  readonly break: (rule: LooseRule) => LooseRule;
  /** Titles of the checks that see it, and what they say. */
  readonly seenBy: Readonly<Record<string, RegExp>>;
}

/** What a rule here leaks on purpose. */
const leaked: tf.Tensor[] = [];

const tanh = sample('Tanh', {x: f32(3, 5)});

function kernel(name: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs);
}

/** The same pullback with one of its answers changed. */
function changing(
  rule: LooseRule,
  input: string,
  change: (cotangent: tf.Tensor, dy: tf.Tensor) => tf.Tensor,
): LooseRule {
  const vjp = rule.vjp as LooseVjp;
  return {
    ...rule,
    vjp: {
      ...vjp,
      pullback: (dy, residuals, attrs) => {
        const thunks = vjp.pullback(dy, residuals, attrs);
        return {...thunks, [input]: () => change((thunks[input] as () => tf.Tensor)(), dy)};
      },
    },
  };
}

const faults: readonly Fault[] = [
  {
    what: 'an axis that is not shifted past the batch dimension',
    row: sample('Sum', {x: f32(3, 5)}, {axis: [0], keepDims: false}),
    break: (rule) => ({...rule, batch: ({x}, attrs) => kernel('Sum', {x: x!.value}, {...attrs})}),
    seenBy: {
      'vmap equals a loop': /got float32\[3,5\], expected float32\[\d+,5\]/,
      'vmap in vmap equals two loops': /vmap/,
    },
  },
  {
    what: 'an input taken to be mapped',
    row: sample('Add', {a: f32(3, 5), b: f32(5)}),
    break: (rule) => ({
      ...rule,
      batch: ({a, b}, _attrs, size) =>
        kernel('Add', {a: a!.value, b: tf.reshape(b!.value, [size, 1, -1])}),
    }),
    seenBy: {'vmap equals a loop': /vmap/},
  },
  {
    what: 'a missing unbroadcast',
    row: sample('Add', {a: f32(3, 5), b: f32(5)}),
    break: (rule) => changing(rule, 'b', (_cotangent, dy) => tf.clone(dy)),
    seenBy: {
      'vjp is the transpose of finite differences': /the gradient of 'Add' gave/,
    },
  },
  {
    what: 'a factor that is off by a thousandth in forward mode',
    row: tanh,
    break: (rule) => ({...rule, jvp: (...args) => tf.mul(rule.jvp!(...args), 1.001)}),
    seenBy: {'jvp equals finite differences': /15 of 15 elements differ/},
  },
  {
    what: 'a factor that is off by a thousandth in reverse mode',
    row: tanh,
    break: (rule) => changing(rule, 'x', (cotangent) => tf.mul(cotangent, 1.001)),
    seenBy: {'vjp is the transpose of finite differences': /differ/},
  },
  {
    what: 'a transposed cotangent',
    row: sample('Tanh', {x: f32(5, 5)}),
    break: (rule) => changing(rule, 'x', (cotangent) => tf.transpose(cotangent)),
    seenBy: {'vjp is the transpose of finite differences': /differ/},
  },
  {
    what: 'a cotangent of another dtype',
    row: tanh,
    break: (rule) => changing(rule, 'x', (cotangent) => tf.cast(cotangent, 'int32')),
    seenBy: {'vjp is the transpose of finite differences': /is int32\[3,5\]/},
  },
  {
    what: 'a saved value that is cut off from the outer transform',
    row: tanh,
    break: (rule) => ({
      ...rule,
      vjp: {
        ...(rule.vjp as LooseVjp),
        pullback: (dy, {output}) => {
          const y = tf.tensor(output!.dataSync(), output!.shape);
          return {x: () => tf.mul(dy, tf.sub(1, tf.square(y)))};
        },
      },
    }),
    seenBy: {
      'second derivatives of all four kinds equal finite differences': /jvp of vjp/,
      'vmap of jvp and of vjp equals a loop': /vmap/,
    },
  },
  {
    what: 'a loop over the batch',
    row: tanh,
    break: (rule) => ({
      ...rule,
      batch: ({x}) => tf.stack(tf.unstack(x!.value).map((example) => tf.tanh(example))),
    }),
    seenBy: {
      'vmap calls as many kernels for a large batch as for a small one': /Tanh,Tanh,Tanh,Pack/,
    },
  },
  {
    what: 'a batch dimension dropped where it has size one',
    row: tanh,
    break: (rule) => ({...rule, batch: ({x}) => tf.squeeze(tf.tanh(x!.value))}),
    seenBy: {
      'vmap equals a loop': /batch of 1/,
      'vmap of an empty batch gives an empty batch of the right shape': /vmap/,
    },
  },
  {
    what: 'a value read in the rule',
    row: tanh,
    break: (rule) => ({
      ...rule,
      batch: ({x}) => tf.tanh(tf.tensor(x!.value.dataSync(), x!.value.shape)),
    }),
    seenBy: {'vmap in vmap equals two loops': /vmap/},
  },
  {
    what: 'a tensor kept in the rule',
    row: tanh,
    break: (rule) => ({
      ...rule,
      batch: ({x}) => {
        const copy = tf.keep(tf.mul(x!.value, 1));
        leaked.push(copy);
        return tf.tanh(copy);
      },
    }),
    seenBy: {
      'transforms leave nothing in memory but their results': /vmap left 1 tensors/,
      'an error in the middle leaves nothing in memory and the engine untouched':
        /vmap of a function that throws left 1 tensors/,
    },
  },
  {
    what: 'an error that is swallowed',
    row: sample(
      'BatchMatMul',
      {a: f32(2, 3, 5), b: f32(2, 5, 7)},
      {transposeA: false, transposeB: false},
    ),
    break: (rule) => ({
      ...rule,
      batch: (inputs, attrs, size) => {
        try {
          return rule.batch(inputs, attrs, size);
        } catch {
          return tf.clone(inputs['a']!.value);
        }
      },
    }),
    seenBy: {'vmap throws where a loop throws': /a last dimension too short; vmap does not/},
  },
  {
    what: 'an error of its own',
    row: tanh,
    break: (rule) => ({
      ...rule,
      batch: () => {
        throw new Error('not today');
      },
    }),
    seenBy: {
      'vmap equals a loop': /not today/,
      'an error in the middle leaves nothing in memory and the engine untouched': /not today/,
    },
  },
];

/** Faults that no rule can have: of the kernel itself, and of levels that change what a function computes. */
const faultyRows: readonly Pick<Fault, 'what' | 'row' | 'seenBy'>[] = [
  {
    what: 'a kernel that computes something else',
    row: {...tanh, reference: (tf64, [x]) => tf64.mul(tf64.tanh(x as tf.Tensor), 1.0001)},
    seenBy: {
      'the kernel itself agrees with double precision': /15 of 15 elements differ/,
    },
  },
  {
    what: 'a primal that is not the result of the plain call',
    row: opSample('tanh, or twice that in a transform', {x: f32(3, 5)}, (tfjs, {x}) =>
      isTransforming() ? tfjs.mul(2, tfjs.tanh(x)) : tfjs.tanh(x),
    ),
    seenBy: {
      'jvp and vjp give the result of the plain call': /the primal of jvp/,
      'vmap equals a loop': /differ/,
    },
  },
  {
    what: 'a derivative that depends on the batch',
    row: opSample('x², or half of it for a batch', {x: f32(3, 5)}, (tfjs, {x}) =>
      tfjs.customGrad((input, save) => {
        (save as (tensors: tf.Tensor[]) => void)([input as tf.Tensor]);
        return {
          value: tfjs.square(input as tf.Tensor),
          gradFunc: (dy, [saved]) =>
            tfjs.mul(dy, tfjs.mul(isMapped(saved as tf.Tensor) ? 1 : 2, saved as tf.Tensor)),
        };
      })(x),
    ),
    seenBy: {'vmap of jvp and of vjp equals a loop': /differ/},
  },
];

function isTransforming(): boolean {
  return Object.hasOwn(tf.engine(), 'runKernel');
}

/** Only under vmap does reading a value throw. */
function isMapped(x: tf.Tensor): boolean {
  try {
    x.dataSync();
    return false;
  } catch {
    return true;
  }
}

function checkNamed(title: string): Check {
  const found = checks.find((candidate) => candidate.title === title);
  if (found === undefined) throw new Error(`there is no check '${title}'`);
  return found;
}

async function expectSeen({row, seenBy}: Pick<Fault, 'row' | 'seenBy'>): Promise<void> {
  for (const [title, message] of Object.entries(seenBy)) {
    const {run} = checkNamed(title);
    const error = await inScope(() => run(row)).catch((thrown: unknown) => thrown);
    expect(error, title).to.be.an('error');
    expect((error as Error).message, title).to.match(message);
  }
}

/** Replaces a rule while `body` runs. */
async function withRule(
  name: string,
  change: (rule: LooseRule) => LooseRule,
  body: () => Promise<void>,
): Promise<void> {
  const table = rules as unknown as Record<string, LooseRule>;
  const rule = table[name] as LooseRule;
  table[name] = change(rule);
  try {
    await body();
  } finally {
    table[name] = rule;
  }
}

describeBackends(
  'the checks see',
  () => {
    for (const fault of faults) {
      const {row} = fault;
      it(fault.what, async () => {
        await withRule(row.kernel, fault.break, () => expectSeen(fault));
        tf.dispose(leaked.splice(0));
      });
      it(`nothing where there is not ${fault.what}`, async () => {
        for (const title of Object.keys(fault.seenBy)) {
          await checkNamed(title).run(row);
        }
      });
    }

    for (const fault of faultyRows) {
      it(fault.what, () => expectSeen(fault));
    }
  },
  {only: ['cpu']},
);
