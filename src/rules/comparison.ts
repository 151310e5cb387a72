import type {Tensor} from '@tensorflow/tfjs-core';
import {showShape} from '../errors.js';
import {broadcastTo, logicalShape, materialize} from './dims.js';
import {stepBinary, stepUnary} from './kinds.js';
import {zerosLike} from './mask.js';
import {reshape, sameShape, where} from './ops.js';
import {family, run, saving} from './rule.js';

/** Comparisons, predicates, logic, and the choice by a condition. */
export const comparison = family({
  Equal: stepBinary('Equal'),
  NotEqual: stepBinary('NotEqual'),
  Greater: stepBinary('Greater'),
  GreaterEqual: stepBinary('GreaterEqual'),
  Less: stepBinary('Less'),
  LessEqual: stepBinary('LessEqual'),
  LogicalAnd: stepBinary('LogicalAnd'),
  LogicalOr: stepBinary('LogicalOr'),
  LogicalXor: stepBinary('LogicalXor'),
  LogicalNot: stepUnary('LogicalNot'),
  BitwiseAnd: stepBinary('BitwiseAnd'),
  IsNan: stepUnary('IsNan'),
  IsInf: stepUnary('IsInf'),
  IsFinite: stepUnary('IsFinite'),

  Select: {
    batch: ({condition, t, e}, _attrs, size) => {
      const perElement = spreadCondition(condition.value, logicalShape(t), condition.mapped);
      return selectWithin({
        condition: materialize({value: perElement, mapped: condition.mapped}, size),
        t: materialize(t, size),
        e: materialize(e, size),
      });
    },
    jvp: ({condition}, {t, e}) => select(condition, t ?? zerosLike(e!), e ?? zerosLike(t!)),
    vjp: saving(['condition'], (dy, {condition}) => ({
      t: () => select(condition, dy, zerosLike(dy)),
      e: () => select(condition, zerosLike(dy), dy),
    })),
  },
});

/**
 * The kernel takes a condition of rank 1 for one value per row of `t`. That is written out, because with a batch dimension in front it
 * isn't there any more, and because the cpu kernel takes the wrong elements.
 */
function spreadCondition(value: Tensor, shape: readonly number[], mapped = false): Tensor {
  const full = mapped ? [value.shape[0]!, ...shape] : shape;
  if (value.rank <= full.length) {
    const missing = new Array<number>(full.length - value.rank).fill(1);
    const spread = broadcastTo(reshape(value, [...value.shape, ...missing]), full);
    if (sameShape(spread.shape, full)) return spread;
  }
  throw new Error(
    `a condition of shape ${showShape(value.shape)} doesn't fit values of shape ${showShape(full)}`,
  );
}

const select = (condition: Tensor, t: Tensor, e: Tensor): Tensor =>
  where(spreadCondition(condition, t.shape), t, e);

/** Select of any dtype, with a condition of any rank that the kernel takes. */
export function selectWithin({condition, t, e}: Readonly<Record<'condition' | 't' | 'e', Tensor>>) {
  const choice = spreadCondition(condition, t.shape);
  return t.dtype === 'bool' ? selectBool(choice, t, e) : where(choice, t, e);
}

/** The wasm kernel reads bool values as if they were four bytes wide. */
function selectBool(condition: Tensor, t: Tensor, e: Tensor): Tensor {
  return run('LogicalOr', {
    a: run('LogicalAnd', {a: condition, b: t}),
    b: run('LogicalAnd', {a: run('LogicalNot', {x: condition}), b: e}),
  });
}
