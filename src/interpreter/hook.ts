import * as tf from '@tensorflow/tfjs-core';
import type {NamedTensorMap, Tensor, Variable} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {
  evaluatedToStock,
  fromStock,
  toStock,
  type CustomGradient,
  type EvaluatedGradient,
} from './custom.js';
import {
  engine,
  isStockTapeOn,
  runStock,
  type CustomGradCall,
  type KernelFuncCall,
} from './engine.js';
import type {Level} from './level.js';
import {
  enlargeBuffers,
  levelsThatDraw,
  makeTensorWith,
  MULTINOMIAL,
  type MakeTensor,
} from './random.js';
import {alias, recordOf, share, tabulateRecords, TraceRecord} from './tracer.js';

/**
 * NOTE [hook]
 * Every op of every tfjs bundle calls `engine.runKernel`. While at least one transform runs, the engine object has own properties
 * that shadow six of its methods (and Variable.assign is replaced); the last transform to end deletes them, in reverse order, which
 * lets V8 go back to the engine's former hidden class. Nothing else in tfjs is touched. `gradients`, the first of them, stays where `install`
 * asks for it.
 */
export interface StockGradients {
  (
    f: () => Tensor,
    xs: Tensor[],
    dy: Tensor | null | undefined,
    allowNoGradients: boolean,
  ): {
    value: Tensor;
    grads: (Tensor | undefined)[];
  };
}

const running: Level[] = [];

let listener: ((read: Tensor) => void) | null = null;

/** What tfjs's ops call, in place of the engine's own method. */
function runOfOps(name: string, inputs: object, attrs: object = {}): Tensor | Tensor[] {
  if (listener !== null) return runReporting(name, inputs, attrs);
  if (name === MULTINOMIAL) return runMultinomial(inputs as Logits, attrs);
  return run(name, inputs, attrs);
}

// Apart, for closures make functions slower that never make them.
const runReporting = (name: string, inputs: object, attrs: object): Tensor | Tensor[] =>
  reportingReads(Object.values(inputs) as Tensor[], () => runOfOps(name, inputs, attrs));

/**
 * Hears of every tensor that kernels read which `body` calls itself: not of what rules make of these, nor what functions with derivatives of
 * their own compute. Only while a transform runs.
 */
export function hearingReads<T>(hear: (read: Tensor) => void, body: () => T): T {
  const around = listener;
  listener = hear;
  try {
    return body();
  } finally {
    listener = around;
  }
}

/** Runs something that reads tensors, and tells of these alone. They may be known only afterwards. */
function reportingReads<T>(reads: readonly (Tensor | null | undefined)[], body: () => T): T {
  const hear = listener;
  listener = null;
  try {
    return body();
  } finally {
    listener = hear;
    if (hear !== null) for (const read of reads) if (read != null) hear(read);
  }
}

interface Logits {
  readonly logits: Tensor;
}

/** The kernel draws for each row of its logits, so these are repeated for the examples of levels that draw for each. */
function runMultinomial({logits}: Logits, attrs: object): Tensor | Tensor[] {
  const perExample = levelsThatDraw(running, 'tf.multinomial').reduce((a, level) => {
    const b = level.ofExamples(tf.zeros([level.examplesToDraw('tf.multinomial')!]));
    return run('Add', {a, b}) as Tensor;
  }, logits);
  return run(MULTINOMIAL, {logits: perExample}, attrs);
}

/** Runs a kernel where it belongs: at the highest level among its inputs, or in tfjs itself. */
export function run(name: string, inputs: object, attrs: object = {}): Tensor | Tensor[] {
  const level = highestLevel(inputs as NamedTensorMap);
  if (level === null) {
    return runStock({kernelName: name, inputs: inputs as NamedTensorMap, attrs});
  }
  level.assertActive();
  if (passesOn(name, inputs as {x: Tensor}, attrs)) return alias((inputs as {x: Tensor}).x);
  try {
    return level.process({name, inputs: inputs as NamedTensorMap, attrs});
  } catch (error) {
    throw error instanceof TransformError ? error : kernelFailed(level, name, inputs, error);
  }
}

/** Whether a kernel gives what it gets, as many a cast and reshape does that ops make to be safe. */
function passesOn(name: string, {x}: {readonly x: Tensor}, attrs: object): boolean {
  switch (name) {
    case 'Identity':
      return true;
    case 'Cast':
      return (attrs as tf.CastAttrs).dtype === x.dtype;
    case 'Reshape':
      return tf.util.arraysEqual((attrs as tf.ReshapeAttrs).shape, x.shape);
    default:
      return false;
  }
}

/** Gives values derivatives of their own at all levels of the inputs, and on tfjs's own tape. */
export function attachGradient(gradient: EvaluatedGradient): Tensor[] {
  const level = highestLevel(gradient.inputs);
  if (level !== null) return level.attachGradient(gradient);
  return isStockTapeOn() ? [runStock(evaluatedToStock(gradient))].flat() : [...gradient.values];
}

/** Calls a function with derivatives of its own, at whatever level its inputs are. */
export function runCustom(call: CustomGradient): Tensor[] {
  return reportingReads(call.inputs, () => runCustomHere(call));
}

function runCustomHere(call: CustomGradient): Tensor[] {
  const level = highestLevel(call.inputs);
  if (level !== null) {
    level.assertActive();
    return level.processCustom(call);
  }
  const {inputs, pullback} = call;
  return [
    runStock(toStock({inputs, pullback, forward: (save) => call.forward(inputs, save)})),
  ].flat();
}

/** The same value without derivatives, at all levels and on tfjs's own tape. */
export function detach(tensor: Tensor): Tensor {
  const record = recordOf(tensor);
  if (record === null) return share(tensor);
  record.level.assertActive();
  return record.level.detach(tensor);
}

function highestLevel(inputs: NamedTensorMap | readonly Tensor[]): Level | null {
  let highest: Level | null = null;
  for (const name in inputs) {
    const input = (inputs as NamedTensorMap)[name];
    const record = input?.dataId;
    if (record instanceof TraceRecord) highest = higher(highest, record.level);
    else if (record === undefined && Array.isArray(input)) {
      highest = higher(highest, highestLevel(input as Tensor[]));
    }
  }
  return highest;
}

const higher = (a: Level | null, b: Level | null): Level | null =>
  a === null || (b !== null && b.id > a.id) ? b : a;

function kernelFailed(
  level: Level,
  kernel: string,
  inputs: object,
  cause: unknown,
): TransformError {
  const disposed = Object.entries(inputs as NamedTensorMap).find(([, input]) => input?.isDisposed);
  if (disposed !== undefined) {
    const [name, tensor] = disposed;
    return new TransformError(
      `kernel '${kernel}' got a disposed tensor as ${name} (${describe(tensor)})${showStack()}. ` +
        `Return it from the tf.tidy that made it, or keep it with tf.keep.`,
      {code: 'disposed-tensor', transform: level.transform, kernel, cause},
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const seen = Object.entries(inputs)
    .filter(([, input]) => input != null)
    .map(([name, input]) => `${name}: ${describe(input)}`)
    .join(', ');
  return new TransformError(`kernel '${kernel}' failed on {${seen}}${showStack()}: ${reason}`, {
    code: 'kernel-failed',
    transform: level.transform,
    kernel,
    cause,
  });
}

/** Whether somebody takes derivatives of what runs now: a transform, or tfjs's own tape. */
export const isDifferentiating = (): boolean =>
  isStockTapeOn() || running.some(({differentiates}) => differentiates);

/** ` (in grad → vmap)`, outermost first, or nothing where one transform runs alone. */
export function showStack(): string {
  return running.length > 1 ? ` (in ${running.map(({transform}) => transform).join(' → ')})` : '';
}

/** tfjs's fused ops choose a custom gradient that knows fewer cases than the rules of the kernels that they run. */
const opsWithRules = new Set(['fusedConv2d__op', 'fusedDepthwiseConv2d__op', 'fusedMatMul__op']);

function runKernelFunc(call: KernelFuncCall): Tensor | Tensor[] {
  if ('kernelName' in call) return runOfOps(call.kernelName, call.inputs, call.attrs);
  return runStockCustom(call);
}

const runStockCustom = (call: CustomGradCall): Tensor | Tensor[] =>
  reportingReads(Object.values(call.inputs), () => runStockCustomHere(call));

function runStockCustomHere(call: CustomGradCall): Tensor | Tensor[] {
  const level = highestLevel(call.inputs);
  if (level === null) return runStock(call);
  level.assertActive();
  if (opsWithRules.has(engine.state.activeScope?.name ?? '')) {
    return call.forwardFunc(null, () => undefined);
  }
  const values = level.processCustom(fromStock(call));
  return values.length === 1 ? values[0]! : values;
}

function keep<T extends Tensor>(tensor: T): T {
  tensor.kept = true;
  recordOf(tensor)?.level.keep(tensor);
  return tensor;
}

/** What a variable may take of a value: its primal, where all that trace it let values out. */
function outside(value: Tensor, action: string): Tensor {
  const record = recordOf(value);
  if (record === null) return value;
  const {transform, letsValuesOut} = record.level;
  if (letsValuesOut) return outside(record.read(), action);
  throw new TransformError(
    `a tf.Variable can't ${action} a traced value (${describe(value)}): it would outlive the ${transform} that traces it. ` +
      `Return the new value from the function and assign it outside.`,
    {code: 'variable-of-tracer', transform},
  );
}

/** While a variable is differentiated it stands for a tracer (see NOTE [closures]), whose place the new value would take. */
function refuseDifferentiated(variable: Variable): void {
  const record = recordOf(variable);
  if (record === null) return;
  const {transform} = record.level;
  throw new TransformError(
    `the tf.Variable '${variable.name}' can't be assigned while ${transform} differentiates with respect to it. ` +
      `Assign it when the gradient is there, or leave it out of the differentiated variables.`,
    {code: 'variable-of-tracer', transform},
  );
}

type MakeVariable = (initialValue: Tensor, ...rest: unknown[]) => Variable;

const engineWithMethods = engine as unknown as {
  makeVariable: MakeVariable;
  makeTensor: MakeTensor;
};
const variablePrototype = tf.Variable.prototype;

function hooks(stockGradients: StockGradients): Record<string, unknown> {
  const {makeVariable, makeTensor} = engineWithMethods;
  return {
    gradients: (f: () => Tensor, xs: Tensor[], dy?: Tensor, allowNoGradients = false) =>
      stockGradients(f, xs, dy, allowNoGradients),
    runKernel: runOfOps,
    runKernelFunc,
    keep,
    makeTensor: makeTensorWith(makeTensor.bind(engine), running),
    makeVariable: (initialValue: Tensor, ...rest: unknown[]) => {
      for (const level of running) level.refuseEffect('a tf.Variable is made');
      return makeVariable.call(engine, outside(initialValue, 'start with'), ...rest);
    },
  };
}

const engineProperties = engine as unknown as Record<string, unknown>;
let properties: Record<string, unknown> | null = null;
let assign: (this: Variable, newValue: Tensor) => void;
let routesAlways = false;

function hookEngine(stockGradients: StockGradients): void {
  tabulateRecords();
  properties ??= hooks(stockGradients);
  Object.assign(engine, properties);
  assign = variablePrototype.assign;
  variablePrototype.assign = function (this: Variable, newValue: Tensor) {
    for (const level of running) level.refuseEffect(`the tf.Variable '${this.name}' is assigned`);
    refuseDifferentiated(this);
    assign.call(this, outside(newValue, 'be assigned'));
  };
}

function unhookEngine(): void {
  for (const name of Object.keys(properties ?? {}).reverse()) {
    if (name !== 'gradients' || !routesAlways) delete engineProperties[name];
  }
  variablePrototype.assign = assign;
}

/** Whether tfjs's own gradients are routed also while no transform runs. Holds from when the running ones have ended. */
export function routeGradients(stockGradients: StockGradients, always: boolean): void {
  routesAlways = always;
  if (running.length > 0) return;
  properties ??= hooks(stockGradients);
  if (always) engineProperties['gradients'] = properties['gradients'];
  else delete engineProperties['gradients'];
}

/**
 * Runs `body` in a new tidy scope with `level` on the stack. Its tracers end with it; the tensors that it returns go to the caller's scope.
 * An error leaves the engine and the stack as they were.
 */
export function runAtLevel<L extends Level>(
  level: L,
  stockGradients: StockGradients,
  body: (level: L) => Tensor[],
): Tensor[] {
  if (running.length === 0) hookEngine(stockGradients);
  running.push(level);
  enlargeBuffers(running);
  engine.startScope(level.transform);
  let results: Tensor[] = [];
  try {
    results = body(level);
    return results;
  } finally {
    engine.endScope(results);
    level.end();
    running.pop();
    enlargeBuffers(running);
    if (running.length === 0) unhookEngine();
  }
}
