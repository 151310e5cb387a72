/** What went wrong, as a stable name. Each has a section in docs/errors.md. */
export type ErrorCode =
  | 'async-function'
  | 'batch-size-mismatch'
  | 'buffer-update'
  | 'closed-over-tracer'
  | 'disposed-tensor'
  | 'ensemble-mismatch'
  | 'escaped-tracer'
  | 'gradient-mismatch'
  | 'graph-mismatch'
  | 'in-dims-mismatch'
  | 'invalid-argument'
  | 'invalid-graph'
  | 'kernel-failed'
  | 'missing-package'
  | 'missing-parameter'
  | 'model-not-built'
  | 'no-batching-rule'
  | 'no-forward-rule'
  | 'no-mapped-input'
  | 'no-reverse-rule'
  | 'no-tensors'
  | 'non-float-input'
  | 'non-scalar-output'
  | 'non-tensor-output'
  | 'not-exportable'
  | 'not-a-function'
  | 'not-a-model'
  | 'out-dims-mismatch'
  | 'parameter-mismatch'
  | 'randomness'
  | 'side-effect'
  | 'stateful-layer'
  | 'tree-mismatch'
  | 'unknown-parameter'
  | 'unsupported-op'
  | 'value-dependent-shape'
  | 'value-read'
  | 'variable-of-tracer';

export interface ErrorDetails {
  readonly code: ErrorCode;
  /** The transform in which it went wrong: 'vmap', 'grad', … */
  readonly transform: string;
  /** The tfjs kernel, where one is to blame. */
  readonly kernel?: string;
  readonly cause?: unknown;
}

/** Every error that this library throws by itself. The message says where, what was seen, what was expected, what to write instead. */
export class TransformError extends Error {
  readonly code: ErrorCode;
  readonly transform: string;
  readonly kernel?: string;

  constructor(message: string, {code, transform, kernel, cause}: ErrorDetails) {
    super(`${transform}: ${message}`, cause === undefined ? undefined : {cause});
    this.name = 'TransformError';
    this.code = code;
    this.transform = transform;
    this.kernel = kernel;
  }
}

/** A value in an error message: `float32 [2, 3]`, `a string`, `an array`. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  if (isTensorLike(value)) return `${value.dtype} [${value.shape.join(', ')}]`;
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${String(value)}`;
    case 'object':
      return isPlain(value as object)
        ? `an object with keys ${keyList(value as object)}`
        : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

const keyList = (value: object): string => `{${Object.keys(value).join(', ')}}`;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const isTensorLike = (value: unknown): value is {dtype: string; shape: readonly number[]} =>
  typeof value === 'object' && value !== null && 'dataId' in value && 'shape' in value;

/** A shape in an error message: `[2, 3]`. */
export const showShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
