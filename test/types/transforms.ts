/**
 * What the types of the transforms must infer, and what must not compile. The type check of the project is the test: each `@ts-expect-error`
 * fails it if the line below compiles.
 */
import type * as tf from '@tensorflow/tfjs-core';
import {grad, gradAndValue, hessian, hvp, jacfwd, jacrev, jvp, vjp, vmap} from '../../src/index.js';

/** Compiles only if both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const expectType = <_Check extends true>(): void => undefined;

declare const x: tf.Tensor;
declare const x1: tf.Tensor1D;
declare const x2: tf.Tensor2D;
declare const label: tf.Tensor1D;

interface Params {
  w: tf.Tensor2D;
  layers: {b: tf.Tensor1D}[];
}
declare const params: Params;
declare const loss: (p: Params, input: tf.Tensor1D, target: tf.Tensor) => tf.Scalar;
declare const withAux: (
  p: Params,
  input: tf.Tensor1D,
) => [tf.Scalar, {logits: tf.Tensor1D; name: string}];
declare const model: (p: Params, input: tf.Tensor1D) => {logits: tf.Tensor1D; norm: tf.Scalar};

// vmap keeps the parameters, whose tensors may have another rank, and the structure of the result.
const mapped = vmap(model, {inDims: [null, 0]});
expectType<Same<Parameters<typeof mapped>[0], {w: tf.Tensor; layers: {b: tf.Tensor}[]}>>();
expectType<Same<ReturnType<typeof mapped>, {logits: tf.Tensor; norm: tf.Tensor}>>();
mapped(params, x2);
const scaled = vmap(
  (a: tf.Tensor1D, factor: number, mode: 'a' | 'b') => (mode === 'a' ? a.mul(factor) : a),
  {inDims: [0, null, null]},
);
scaled(x2, 2, 'a');
// @ts-expect-error a mode that does not exist
scaled(x2, 2, 'c');
// @ts-expect-error an argument is missing
mapped(params);
// @ts-expect-error a number where a tensor belongs
mapped(params, 3);
// @ts-expect-error inDims has an entry too many
vmap(model, {inDims: [null, 0, 0]});
// @ts-expect-error inDims has an entry too few
vmap(model, {inDims: [0]});
// @ts-expect-error params have no such part
vmap(model, {inDims: [{v: 0}, 0]});
vmap(model, {inDims: [{w: 0, layers: null}, 0], outDims: {logits: 1, norm: 0}});
// @ts-expect-error the output has no such part
vmap(model, {outDims: {logit: 0}});
// @ts-expect-error a dimension is a number
vmap(model, {inDims: 'rows'});
// @ts-expect-error no such option
vmap(model, {inAxes: 0});
// @ts-expect-error vmap takes a function
vmap(x);

// grad has the structure of the argument that it differentiates.
const gradient = grad(loss);
expectType<Same<ReturnType<typeof gradient>, {w: tf.Tensor2D; layers: {b: tf.Tensor1D}[]}>>();
gradient(params, x1, label);
// @ts-expect-error the arguments are those of the loss
gradient(params, x2);
const both = grad(loss, {argnums: [1, 0]})(params, x1, label);
expectType<Same<(typeof both)[0], tf.Tensor1D>>();
expectType<Same<(typeof both)[1]['w'], tf.Tensor2D>>();
// @ts-expect-error the function must return one tensor
grad(model);
// @ts-expect-error with hasAux it must return a pair
grad(loss, {hasAux: true});
// @ts-expect-error without hasAux it must not
grad(withAux);
const [gradientAgain, aux] = grad(withAux, {hasAux: true})(params, x1);
expectType<Same<(typeof aux)['logits'], tf.Tensor1D>>();
expectType<Same<(typeof gradientAgain)['w'], tf.Tensor2D>>();
const [, [value, auxAgain]] = gradAndValue(withAux, {hasAux: true})(params, x1);
expectType<Same<typeof value, tf.Tensor>>();
expectType<Same<(typeof auxAgain)['name'], string>>();
const [, plainValue] = gradAndValue(loss)(params, x1, label);
expectType<Same<typeof plainValue, tf.Tensor>>();

// Per-example gradients keep all of it.
const perExample = vmap(grad(loss), {inDims: [null, 0, 0]})(params, x2, label);
expectType<Same<(typeof perExample)['layers'], {b: tf.Tensor}[]>>();

// vjp and jvp type cotangents and tangents.
const [output, pullback] = vjp(model, [params, x1]);
expectType<Same<(typeof output)['logits'], tf.Tensor1D>>();
const [paramsBar, inputBar] = pullback({logits: x1, norm: x1.sum()});
expectType<Same<(typeof paramsBar)['w'], tf.Tensor2D>>();
expectType<Same<typeof inputBar, tf.Tensor1D>>();
// @ts-expect-error a cotangent is missing
pullback({logits: x1});
// @ts-expect-error primals are an array
vjp(model, params);
// @ts-expect-error a primal is missing
vjp(model, [params]);
const [, tangent] = jvp(model, [params, x1], [params, x1]);
expectType<Same<(typeof tangent)['norm'], tf.Scalar>>();
// @ts-expect-error a tangent is missing
jvp(model, [params, x1], [params]);
const [, , auxiliary] = jvp(withAux, [params, x1], [params, x1], {hasAux: true});
expectType<Same<(typeof auxiliary)['name'], string>>();
const [hessianTimesParams] = hvp((p: Params) => p.w.sum(), [params], [params]);
expectType<Same<(typeof hessianTimesParams)['w'], tf.Tensor2D>>();

// Jacobians nest as the output, then as the argument.
const jacobian = jacrev(model)(params, x1);
expectType<Same<(typeof jacobian)['logits']['layers'], {b: tf.Tensor}[]>>();
const forward = jacfwd((a: tf.Tensor) => a.square())(x);
expectType<Same<typeof forward, tf.Tensor>>();
const pair = jacfwd((a: tf.Tensor, b: tf.Tensor) => a.mul(b), {argnums: [0, 1]})(x, x);
expectType<Same<(typeof pair)[1], tf.Tensor>>();
const curvature = hessian((a: tf.Tensor1D) => a.sum())(x1);
expectType<Same<typeof curvature, tf.Tensor>>();
const blocks = hessian((p: {u: tf.Tensor; v: tf.Tensor}) => p.u.mul(p.v).sum())({u: x, v: x});
expectType<Same<(typeof blocks)['u']['v'], tf.Tensor>>();

// Transforms nest, whatever the order.
vmap(jacrev(grad((a: tf.Tensor1D) => a.square().sum())))(x2);
grad((a: tf.Tensor) => vmap(hessian((b: tf.Tensor) => b.square().sum()))(a).sum())(x);
