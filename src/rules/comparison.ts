import type {Tensor} from '@tensorflow/tfjs-core';
import {broadcastTo, logicalRank, logicalShape, materialize} from './dims.js';
import {stepBinary, stepUnary} from './kinds.js';
import {zerosLike} from './mask.js';
import {reshape, where} from './ops.js';
import {family, run, saving, type BatchedInput} from './rule.js';

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
      const ifTrue = materialize(t, size);
      const ifFalse = materialize(e, size);
      const choice = conditionPerElement(condition, logicalShape(t), size);
      return ifTrue.dtype === 'bool'
        ? selectBool(choice, ifTrue, ifFalse)
        : where(choice, ifTrue, ifFalse);
    },
    jvp: ({condition}, {t, e}) =>
      where(condition, t ?? zerosLike(e!), e ?? zerosLike(t!)),
    vjp: saving(['condition'], (dy, {condition}) => ({
      t: () => where(condition, dy, zerosLike(dy)),
      e: () => where(condition, zerosLike(dy), dy),
    })),
  },
});

/** The kernel takes a condition of rank 1 for one value per row of `t`. With a batch dimension in front that has to be written out. */
function conditionPerElement(
  condition: BatchedInput,
  shape: readonly number[],
  size: number,
): Tensor {
  const missing = shape.length - logicalRank(condition);
  const {value} = condition;
  const rows = reshape(value, [...value.shape, ...new Array<number>(missing).fill(1)]);
  const spread = broadcastTo(rows, condition.mapped ? [size, ...shape] : shape);
  return materialize({value: spread, mapped: condition.mapped}, size);
}

/** The wasm kernel reads bool values as if they were four bytes wide. */
function selectBool(condition: Tensor, t: Tensor, e: Tensor): Tensor {
  return run('LogicalOr', {
    a: run('LogicalAnd', {a: condition, b: t}),
    b: run('LogicalAnd', {a: run('LogicalNot', {x: condition}), b: e}),
  });
}
