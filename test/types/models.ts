/** What the types of models, optimizers and random numbers must infer, and what must not compile. See transforms.ts. */
import type * as tf from '@tensorflow/tfjs';
import {
  checkpoint,
  combineStateForEnsemble,
  functionalCall,
  grad,
  makeFunctional,
  makeFunctionalWithBuffers,
  optimizers,
  random,
  replaceBatchNorm,
  stackModuleState,
  vmap,
  type State,
} from '../../src/index.js';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const expectType = <_Check extends true>(): void => undefined;

declare const layers: tf.LayersModel;
declare const sequential: tf.Sequential;
declare const layer: tf.layers.Layer;
declare const graph: tf.GraphModel;
declare const w: tf.Variable;
declare const x: tf.Tensor;
declare const x1: tf.Tensor1D;
declare const key: tf.Tensor;
declare const params: {w: tf.Tensor2D; layers: {b: tf.Tensor1D}[]};

/** Plain code says itself what it takes and gives. */
const module = {
  apply: (input: tf.Tensor1D, scale: number) => ({y: input.mul(scale) as tf.Tensor1D}),
  variables: {w},
};

// Models of tfjs give one tensor, unless one says otherwise.
for (const model of [layers, sequential, layer, graph]) {
  const output = functionalCall(model, {w}, x);
  expectType<Same<typeof output, tf.Tensor>>();
  const [f, state] = makeFunctional(model);
  expectType<Same<typeof state, State>>();
  expectType<Same<ReturnType<typeof f>, tf.Tensor>>();
  f(state, [x, x], {training: true});
  // @ts-expect-error the parameters come first
  f(x, state);
  // @ts-expect-error inputs are tensors
  f(state, 3);
}
const several = functionalCall<tf.Tensor[]>(graph, {w}, {a: x, b: x}, ['y', 'z']);
expectType<Same<typeof several, tf.Tensor[]>>();

// A module's own types pass through.
const called = functionalCall(module, {w}, x1, 2);
expectType<Same<typeof called, {y: tf.Tensor1D}>>();
// @ts-expect-error an argument of the module is missing
functionalCall(module, {w}, x1);
// @ts-expect-error the module takes a number there
functionalCall(module, {w}, x1, 'two');
// @ts-expect-error parameters are tensors by name
functionalCall(module, [w], x1, 2);
// @ts-expect-error parameters are tensors
functionalCall(module, {w: 3}, x1, 2);
// @ts-expect-error no model
functionalCall({apply: module.apply}, {w}, x1, 2);
// @ts-expect-error variables are variables
makeFunctional({apply: module.apply, variables: {x}});
makeFunctional({apply: module.apply, variables: [w]});
const [pure, weights] = makeFunctional(module);
expectType<
  Same<typeof pure, (params: State, input: tf.Tensor1D, scale: number) => {y: tf.Tensor1D}>
>();

// Transforms keep them.
const gradients = grad((p: State, input: tf.Tensor1D) => pure(p, input, 2).y.sum())(weights, x1);
expectType<Same<(typeof gradients)[string], tf.Tensor>>();
const mapped = vmap(pure, {inDims: [null, 0, null]})(weights, x, 2);
expectType<Same<typeof mapped, {y: tf.Tensor}>>();
// @ts-expect-error inDims has an entry too few
vmap(pure, {inDims: [null, 0]});

// What becomes of buffers decides what comes back.
const [plain, , buffers] = makeFunctionalWithBuffers(layers);
expectType<Same<ReturnType<typeof plain>, tf.Tensor>>();
const [returning] = makeFunctionalWithBuffers(layers, {bufferUpdates: 'return'});
const [output, newBuffers] = returning(weights, buffers, x);
expectType<Same<typeof output, tf.Tensor>>();
expectType<Same<typeof newBuffers, State>>();
const [discarding] = makeFunctionalWithBuffers(module, {bufferUpdates: 'discard'});
expectType<Same<ReturnType<typeof discarding>, {y: tf.Tensor1D}>>();
// @ts-expect-error no such way with new buffers
makeFunctionalWithBuffers(layers, {bufferUpdates: 'drop'});
// @ts-expect-error buffers come second
plain(weights, x);

const [one, stacked, stackedBuffers] = combineStateForEnsemble([layers, layers]);
expectType<Same<ReturnType<typeof one>, tf.Tensor>>();
const all = vmap(one, {inDims: [0, 0, null, null]})(stacked, stackedBuffers, x);
expectType<Same<typeof all, tf.Tensor>>();
const [withNew] = combineStateForEnsemble([module, module], {bufferUpdates: 'return'});
expectType<Same<ReturnType<typeof withNew>, [output: {y: tf.Tensor1D}, newBuffers: State]>>();
// @ts-expect-error an ensemble is a list
combineStateForEnsemble(layers);
const states = stackModuleState([layers, graph]);
expectType<Same<typeof states, [params: State, buffers: State]>>();
// @ts-expect-error no model
stackModuleState([x]);
expectType<Same<ReturnType<typeof replaceBatchNorm<tf.Sequential>>, tf.Sequential>>();
// @ts-expect-error a graph model has no layers
replaceBatchNorm(graph);

// Optimizers keep the structure of parameters, in their state too.
const adam = optimizers.adam({learningRate: 0.1});
const state = adam.init(params);
const [next, nextState] = adam.update(params, state, params);
expectType<Same<typeof next, typeof params>>();
expectType<Same<typeof nextState, typeof state>>();
const heavy = optimizers.momentum({learningRate: x, momentum: 0.5});
expectType<Same<ReturnType<typeof heavy.init<typeof params>>, {accumulation: typeof params}>>();
// @ts-expect-error the learning rate is missing
optimizers.sgd({});
// @ts-expect-error no such setting
optimizers.sgd({learningRate: 0.1, rate: 1});
// @ts-expect-error gradients have the structure of the parameters
adam.update({w: params.w}, state, params);
// @ts-expect-error the state is that of another optimizer
heavy.update(params, state, params);

// Random numbers take a key first.
expectType<Same<ReturnType<typeof random.key>, tf.Tensor1D>>();
expectType<Same<ReturnType<typeof random.split>, tf.Tensor2D>>();
const drawn = random.uniform(key, [2, 3], {minval: x, maxval: 2});
expectType<Same<typeof drawn, tf.Tensor>>();
random.permutation(key, 5, {axis: 0});
// @ts-expect-error a seed is no key
random.normal(3, [2]);
// @ts-expect-error a shape is a list of numbers
random.normal(key, 2);
// @ts-expect-error the bounds are missing
random.randint(key, [2]);
// @ts-expect-error no such option
random.uniform(key, [2], {low: 0});

// checkpoint gives the function that it takes.
const block = checkpoint((p: typeof params, input: tf.Tensor1D) => ({h: input, n: p.w}));
expectType<
  Same<typeof block, (p: typeof params, input: tf.Tensor1D) => {h: tf.Tensor1D; n: tf.Tensor2D}>
>();
// @ts-expect-error an argument is missing
block(params);
