import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {broadcastTo, product} from './dims.js';
import {matMul} from './matmul.js';
import {add, mul, reshape, sum, transpose} from './ops.js';
import {conjugating, matching} from './parts.js';
import {family, run, savingAll} from './rule.js';
import {isTraced, strategy} from './strategy.js';

/** An equation: the labels of each operand's dimensions, and those of the result's. An ellipsis counts as one label. */
interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

const ELLIPSIS = '...';

/** Reads an equation for so many operands. */
function parse(equation: string, count: number): Equation {
  const [left = '', right, ...more] = equation.replace(/\s/g, '').split('->');
  if (right === undefined || more.length > 0) {
    throw new Error(
      `the equation '${equation}' must have one arrow. Say which dimensions remain: '${left}->…'`,
    );
  }
  const labels = (term: string): string[] => term.match(/\.\.\.|./g) ?? [];
  const operands = left.split(',').map(labels);
  const result = labels(right);
  if (operands.length !== count) {
    throw new Error(
      `the equation '${equation}' has ${operands.length} terms, but ${count} operands`,
    );
  }
  const unknown = result.find((label) => !operands.some((term) => term.includes(label)));
  if (unknown !== undefined) {
    throw new Error(`no operand of the equation '${equation}' has the dimension '${unknown}'`);
  }
  return {operands, result};
}

const show = ({operands, result}: Equation): string =>
  `${operands.map((labels) => labels.join('')).join()}->${result.join('')}`;

/** A label that the equation does not use. */
function freshLabel({operands, result}: Equation): string {
  const used = new Set([...operands.flat(), ...result]);
  const fresh = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].find(
    (label) => !used.has(label),
  );
  if (fresh === undefined) throw new Error('an equation with more than 51 labels is not supported');
  return fresh;
}

/** What the equation says of operands of any level. */
function einsum(equation: Equation, operands: readonly Tensor[]): Tensor {
  if (isTraced(...operands) || strategy().einsum === 'kernel') {
    return run('Einsum', operands, {equation: show(equation)});
  }
  return contract(equation, operands);
}

interface Term {
  readonly labels: readonly string[];
  readonly value: Tensor;
}

/** An einsum by transposes and products of matrices, for backends without the kernel, or with a slow one. */
function contract({operands, result}: Equation, tensors: readonly Tensor[]): Tensor {
  const sizes = new Map<string, number>();
  const terms = operands.map((labels, index): Term => {
    const value = tensors[index];
    if (
      value?.rank !== labels.length ||
      labels.includes(ELLIPSIS) ||
      new Set(labels).size < labels.length
    ) {
      throw new Error(
        `the term '${labels.join('')}' does not name each dimension of operand ${index} once ` +
          `(${value === undefined ? 'it is missing' : `it has ${value.rank}`}).`,
      );
    }
    labels.forEach((label, axis) => {
      const size = value.shape[axis]!;
      if ((sizes.get(label) ?? size) !== size) {
        throw new Error(
          `'${label}' stands for dimensions of sizes ${sizes.get(label)} and ${size}.`,
        );
      }
      sizes.set(label, size);
    });
    return {labels, value};
  });
  const total = terms.reduce((sofar, term, index) => {
    const later = operands.slice(index + 1).flat();
    return contractTwo(sofar, term, new Set([...result, ...later]), sizes);
  });
  return arranged(summed(total, new Set(result)), result);
}

/** Sums over the dimensions that nothing else needs. */
function summed({labels, value}: Term, needed: ReadonlySet<string>): Term {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  return {labels: labels.filter((label) => needed.has(label)), value: sum(value, axes)};
}

const arranged = ({labels, value}: Term, order: readonly string[]): Tensor =>
  transpose(
    value,
    order.map((label) => labels.indexOf(label)),
  );

/** The product of two terms, summed over what neither the result nor later terms need. */
function contractTwo(
  first: Term,
  second: Term,
  needed: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): Term {
  const a = summed(first, new Set([...needed, ...second.labels]));
  const b = summed(second, new Set([...needed, ...first.labels]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const sizeOf = (labels: readonly string[]): number => product(shapeOf(labels, sizes));
  const labels = [...batch, ...rows, ...columns];
  if (inner.length === 0 && (rows.length === 0 || columns.length === 0)) {
    const left = reshape(arranged(a, [...batch, ...rows]), [sizeOf(batch), sizeOf(rows)]);
    const right = reshape(arranged(b, [...batch, ...columns]), [sizeOf(batch), sizeOf(columns)]);
    return {labels, value: reshape(mul(left, right), shapeOf(labels, sizes))};
  }
  const left = reshape(arranged(a, [...batch, ...rows, ...inner]), [
    sizeOf(batch),
    sizeOf(rows),
    sizeOf(inner),
  ]);
  const right = reshape(arranged(b, [...batch, ...inner, ...columns]), [
    sizeOf(batch),
    sizeOf(inner),
    sizeOf(columns),
  ]);
  return {labels, value: reshape(matMul(left, right), shapeOf(labels, sizes))};
}

const shapeOf = (labels: readonly string[], sizes: ReadonlyMap<string, number>): number[] =>
  labels.map((label) => sizes.get(label)!);

/** The cotangent of one operand: the equation with that operand and the result exchanged. */
function cotangentOf(
  equation: Equation,
  place: number,
  dy: Tensor,
  operands: readonly Tensor[],
): Tensor {
  const labels = equation.operands[place]!;
  const {shape} = operands[place]!;
  if (labels.includes(ELLIPSIS) || new Set(labels).size < labels.length) {
    throw new TransformError(
      `no reverse rule for einsum '${show(equation)}'. Name each dimension once per operand: write out the ellipsis, ` +
        `take a diagonal by a product with the identity.`,
      {code: 'no-reverse-rule', transform: 'grad', kernel: 'Einsum'},
    );
  }
  const others = equation.operands.map((_, index) => index).filter((index) => index !== place);
  const known = new Set([
    ...equation.result,
    ...others.flatMap((index) => equation.operands[index]!),
  ]);
  const kept = labels.filter((label) => known.has(label));
  const ct = einsum(
    {
      operands: [equation.result, ...others.map((index) => equation.operands[index]!)],
      result: kept,
    },
    [dy, ...others.map((index) => operands[index]!)],
  );
  // A dimension that only this operand has was summed away: its cotangent is the same all along it.
  const aligned = labels.map((label, axis) => (known.has(label) ? shape[axis]! : 1));
  return broadcastTo(reshape(ct, aligned), shape);
}

export const einsums = family({
  Einsum: {
    batch: (operands, attrs) => {
      const equation = parse(attrs.equation, operands.length);
      const label = freshLabel(equation);
      const batched = {
        operands: equation.operands.map((labels, index) =>
          operands[index]!.mapped ? [label, ...labels] : labels,
        ),
        result: [label, ...equation.result],
      };
      return einsum(
        batched,
        operands.map(({value}) => value),
      );
    },
    jvp: (primals, tangents, {equation}) => {
      const terms = tangents.flatMap((tangent, place) =>
        tangent === undefined
          ? []
          : [
              einsum(
                parse(equation, primals.length),
                primals.map((primal, index) => (index === place ? tangent : primal)),
              ),
            ],
      );
      return terms.reduce(add);
    },
    vjp: savingAll((dy, operands, attrs) => {
      const equation = parse(attrs.equation, operands.length);
      return operands.map(
        (operand, place) => () =>
          matching(
            conjugating((t) => cotangentOf(equation, place, t, operands), dy),
            operand,
          ),
      );
    }),
  },
});

/** An einsum by its attribute, see `contract`. */
export const einsumByProducts = (operands: readonly Tensor[], equation: string): Tensor =>
  contract(parse(equation, operands.length), operands);
