import {clone, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe, showShape} from '../errors.js';
import {sameShape} from '../rules/ops.js';
import type {Binding, NamedState, State} from './model.js';
import {nearest} from './nearest.js';

/** Copies of a model's parameters, or of its buffers, that belong to the caller. */
export const copies = ({state}: Binding, params: boolean): State =>
  Object.fromEntries(
    state.filter(({isParam}) => isParam === params).map(({name, tensor}) => [name, clone(tensor)]),
  );

/**
 * All parameters must be there, buffers may be; nothing else.
 * @throws TransformError `unknown-parameter`, `missing-parameter`, `parameter-mismatch`, `disposed-tensor`
 */
export function assertState(binding: Binding, values: unknown, caller: string): void {
  if (typeof values !== 'object' || values === null || values instanceof Tensor) {
    throw new TransformError(
      `params must be a plain object of tensors by name, but is ${describe(values)}.`,
      {code: 'parameter-mismatch', transform: caller},
    );
  }
  const {title, state} = binding;
  const names = state.map(({name}) => name);
  const given = Object.keys(values);
  const known = new Set(names);
  for (const name of given) if (!known.has(name)) throw unknown(name, names, title, caller);
  for (const entry of state) {
    if (entry.name in values) assertFits(entry, (values as State)[entry.name], title, caller);
    else if (entry.isParam) throw missing(entry, title, caller);
  }
}

function unknown(name: string, names: string[], title: string, caller: string): TransformError {
  const match = nearest(name, names);
  const hint = match === null ? `It has ${list(names)}.` : `Did you mean '${match}'?`;
  return new TransformError(`${title} has no parameter or buffer '${name}'. ${hint}`, {
    code: 'unknown-parameter',
    transform: caller,
  });
}

function missing({name, tensor}: NamedState, title: string, caller: string): TransformError {
  return new TransformError(
    `the parameter '${name}' (${describe(tensor)}) of ${title} is missing. Give all parameters: {...params, '${name}': value}.`,
    {code: 'missing-parameter', transform: caller},
  );
}

function assertFits(
  {name, tensor}: NamedState,
  value: unknown,
  title: string,
  caller: string,
): void {
  const expected = `${tensor.dtype} ${showShape(tensor.shape)}`;
  if (value instanceof Tensor && value.isDisposed) {
    throw new TransformError(`the parameter '${name}' (${describe(value)}) is disposed.`, {
      code: 'disposed-tensor',
      transform: caller,
    });
  }
  if (
    value instanceof Tensor &&
    value.dtype === tensor.dtype &&
    sameShape(value.shape, tensor.shape)
  )
    return;
  const oneTooMany =
    value instanceof Tensor && value.rank > 0 && sameShape(value.shape.slice(1), tensor.shape);
  throw new TransformError(
    `the parameter '${name}' is ${describe(value)}, but ${title} has ${expected} there.` +
      (oneTooMany ? ` Parameters of several models are for vmap(f, {inDims: [0, …]}).` : ''),
    {code: 'parameter-mismatch', transform: caller},
  );
}

const SHOWN = 8;

function list(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => `'${name}'`);
  const rest = names.length - shown.length;
  return names.length === 0
    ? 'none at all'
    : shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
