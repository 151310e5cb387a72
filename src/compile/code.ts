import type {Tensor} from '@tensorflow/tfjs-core';
import {knownNumbers} from './constants.js';
import {
  listOf,
  showSpec,
  STOP_GRADIENT,
  type ConstantNode,
  type Graph,
  type KernelNode,
  type Node,
  type Value,
  type VariableNode,
} from './graph.js';

/** Writes a call of an op from the names of the inputs, in order, and the attributes' literals. */
type Op = (inputs: readonly string[], attr: (name: string) => string) => string;

const call =
  (op: string, ...attrs: readonly string[]): Op =>
  (inputs, attr) =>
    `tf.${op}(${[...inputs, ...attrs.map(attr)].join(', ')})`;

const listCall =
  (op: string, attr: string): Op =>
  (inputs, literal) =>
    `tf.${op}([${inputs.join(', ')}], ${literal(attr)})`;

/** Ops of tfjs that run one kernel and nothing else on float32 tensors. */
const ops: Readonly<Record<string, Op>> = {
  Abs: call('abs'),
  Add: call('add'),
  ArgMax: call('argMax', 'axis'),
  BatchMatMul: call('matMul', 'transposeA', 'transposeB'),
  Cast: call('cast', 'dtype'),
  Ceil: call('ceil'),
  ClipByValue: call('clipByValue', 'clipValueMin', 'clipValueMax'),
  Concat: listCall('concat', 'axis'),
  Cos: call('cos'),
  Equal: call('equal'),
  Erf: call('erf'),
  Exp: call('exp'),
  Expm1: call('expm1'),
  Floor: call('floor'),
  Greater: call('greater'),
  GreaterEqual: call('greaterEqual'),
  Less: call('less'),
  LessEqual: call('lessEqual'),
  Log: call('log'),
  Log1p: call('log1p'),
  Max: call('max', 'reductionIndices', 'keepDims'),
  Maximum: call('maximum'),
  Mean: call('mean', 'axis', 'keepDims'),
  Min: call('min', 'axis', 'keepDims'),
  Minimum: call('minimum'),
  Multiply: call('mul'),
  Neg: call('neg'),
  Pack: listCall('stack', 'axis'),
  RealDiv: call('div'),
  Reciprocal: call('reciprocal'),
  Relu: call('relu'),
  Reshape: call('reshape', 'shape'),
  Rsqrt: call('rsqrt'),
  Sigmoid: call('sigmoid'),
  Sign: call('sign'),
  Sin: call('sin'),
  Slice: call('slice', 'begin', 'size'),
  Softmax: call('softmax', 'dim'),
  Sqrt: call('sqrt'),
  Square: call('square'),
  Step: call('step', 'alpha'),
  Sub: call('sub'),
  Sum: call('sum', 'axis', 'keepDims'),
  Tanh: call('tanh'),
  Tile: call('tile', 'reps'),
  Transpose: call('transpose', 'perm'),
  ZerosLike: call('zerosLike'),
};

/** A value as JavaScript. */
function literal(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const fields = Object.entries(value).map(
    ([name, field]) => `${JSON.stringify(name)}: ${literal(field)}`,
  );
  return `{${fields.join(', ')}}`;
}

/** Whether a constant's numbers stand in the code. */
const isWrittenOut = (value: Value): boolean => knownNumbers(value) !== null;

/**
 * The constants and variables that the code of a graph takes by name, as its third argument: those whose numbers don't stand in it.
 */
export function constantsOfCode(graph: Graph): Record<string, Tensor> {
  return Object.fromEntries(
    namedConstants(graph).map((node) => [
      node.name,
      node.kind === 'constant' ? node.tensor : node.variable,
    ]),
  );
}

const namedConstants = (graph: Graph): readonly (ConstantNode | VariableNode)[] => [
  ...graph.constants.filter(({outputs}) => !isWrittenOut(outputs[0]!)),
  ...graph.variables,
];

/**
 * A graph as text: the JavaScript of a function `(tf, inputs, constants)` that computes the same with tfjs. `inputs` are the tensors of the
 * graph's inputs, in order; `constants` is what `constantsOfCode` gives; the result is an array with the outputs.
 *
 * Ops that are one kernel are written as ops, other kernels as calls of tfjs's engine. Small constants stand in the text.
 *
 * @example
 * const f = makeFx((x: tf.Tensor) => tf.mul(tf.sin(x), 2))(tf.scalar(1));
 * const run = new Function(`return ${compile.codeOf(f.graph)}`)();
 * run(tf, [tf.scalar(0)], compile.constantsOfCode(f.graph))  // => [0]
 */
export function codeOf(graph: Graph): string {
  const names = graph.inputs.map(({name}) => name);
  const given = namedConstants(graph).map(({name}) => name);
  const lines = graph.nodes.flatMap(line);
  return [
    '(tf, inputs, constants) => {',
    '  const run = (kernel, inputs, attrs) => tf.engine().runKernel(kernel, inputs, attrs);',
    ...(names.length > 0 ? [`  const [${names.join(', ')}] = inputs;${specs(graph.inputs)}`] : []),
    ...(given.length > 0
      ? [`  const {${given.join(', ')}} = constants;${specs(namedConstants(graph))}`]
      : []),
    ...lines.map((text) => `  ${text}`),
    `  return [${graph.outputs.map(({name}) => name).join(', ')}];`,
    '}',
  ].join('\n');
}

/** A comment with the shapes of the values of nodes. */
const specs = (nodes: readonly Node[]): string =>
  `  // ${nodes.flatMap(({outputs}) => outputs.map(showSpec)).join(', ')}`;

function line(node: Node): string[] {
  const [first] = node.outputs;
  const comment = specs([node]);
  switch (node.kind) {
    case 'input':
    case 'variable':
      return [];
    case 'constant': {
      if (!isWrittenOut(first!)) return [];
      const numbers = literal([...knownNumbers(first!)!]);
      const tensor = `tf.tensor(${numbers}, ${literal(first!.shape)}, '${first!.dtype}')`;
      return [`const ${node.name} = ${tensor};${comment}`];
    }
    case 'kernel': {
      const names = node.outputs.map(({name}) => name).join(', ');
      const target = node.givesList ? `[${names}]` : names;
      return [`const ${target} = ${expression(node)};${comment}`];
    }
  }
}

function expression({kernel, inputs, attrs}: KernelNode): string {
  const values = listOf(inputs);
  const names = values.map(({name}) => name);
  if (kernel === STOP_GRADIENT)
    return `tf.customGrad((x) => ({value: tf.clone(x), gradFunc: tf.zerosLike}))(${names[0]})`;
  const op = ops[kernel];
  if (op !== undefined && values.every(({dtype}) => dtype === 'float32')) {
    return op(names, (name) => literal(attrs[name]));
  }
  const given = Array.isArray(inputs)
    ? `[${names.join(', ')}]`
    : `{${Object.entries(inputs)
        .map(([input, {name}]) => (input === name ? name : `${input}: ${name}`))
        .join(', ')}}`;
  return `run('${kernel}', ${given}, ${literal(attrs)})`;
}
