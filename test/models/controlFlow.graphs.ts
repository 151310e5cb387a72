import type * as tf from '@tensorflow/tfjs';
import {GraphBuilder} from './graphs.js';

/** Where nodes are put: a graph, or a function of its library. */
interface Nodes {
  node(name: string, op: string, input: readonly string[], attr?: object): string;
  integer(name: string, value: number): string;
}

type Part = (nodes: Nodes, values: string[]) => string[];

/** The two forms in which converters write control flow. */
export interface Form {
  readonly title: string;
  branch(
    graph: GraphBuilder,
    name: string,
    predicate: string,
    operands: string[],
    yes: Part,
    no: Part,
  ): string[];
  /**
   * @param constants  what the loop takes besides and keeps as it is: the last of the values of `condition` and `body`
   * @returns  the variables after the last round
   */
  loop(
    nodes: Nodes,
    graph: GraphBuilder,
    name: string,
    init: string[],
    constants: string[],
    condition: Part,
    body: Part,
  ): string[];
}

const bytes = (text: string): object => ({s: btoa(text)});

export const inGraph = (graph: GraphBuilder): Nodes => ({
  node: (...args) => graph.node(...args),
  integer: (name, value) => graph.integers(name, [], [value]),
});

/** Functions, called by If and While. */
const functions: Form = {
  title: 'functions',
  branch(graph, name, predicate, operands, yes, no) {
    const attr = {
      then_branch: {func: {name: define(graph, `${name}_then`, operands.length, yes)}},
      else_branch: {func: {name: define(graph, `${name}_else`, operands.length, no)}},
    };
    graph.node(name, 'StatelessIf', [predicate, ...operands], attr);
    return outputs(name, yesCount(yes, operands));
  },
  loop(nodes, graph, name, init, constants, condition, body) {
    const count = init.length + constants.length;
    const step: Part = (inner, values) => [...body(inner, values), ...values.slice(init.length)];
    const attr = {
      cond: {func: {name: define(graph, `${name}_cond`, count, condition)}},
      body: {func: {name: define(graph, `${name}_body`, count, step)}},
    };
    nodes.node(name, 'StatelessWhile', [...init, ...constants], attr);
    return outputs(name, init.length);
  },
};

const outputs = (name: string, count: number): string[] =>
  Array.from({length: count}, (_, index) => `${name}:${index}`);

/** How many results a part has. */
const yesCount = (part: Part, operands: string[]): number =>
  part({node: (name) => name, integer: (name) => name}, operands).length;

function define(graph: GraphBuilder, name: string, count: number, part: Part): string {
  const nodeDef: object[] = [];
  const inner: Nodes = {
    node(own, op, input, attr = {}) {
      nodeDef.push({name: own, op, input, attr: {T: {type: 'DT_FLOAT'}, ...attr}});
      return `${own}:z:0`;
    },
    integer: (own, value) => graph.constantOf(nodeDef, own, value),
  };
  const inputs = Array.from({length: count}, (_, index) => `${name}_input_${index}`);
  const results = part(inner, inputs);
  const returned = Object.fromEntries(results.map((ref, index) => [`output_${index}`, ref]));
  return graph.define(name, inputs, returned, nodeDef);
}

/** Switch and Merge; frames for loops. */
const dataflow: Form = {
  title: 'dataflow',
  branch(graph, name, predicate, operands, yes, no) {
    const gates = operands.map((operand, k) =>
      graph.node(`${name}/switch_${k}`, 'Switch', [operand, predicate]),
    );
    const nodes = inGraph(graph);
    const whenTrue = yes(
      nodes,
      gates.map((gate) => `${gate}:1`),
    );
    const whenFalse = no(nodes, gates);
    return whenTrue.map((ref, k) =>
      graph.node(`${name}/merge_${k}`, 'Merge', [whenFalse[k]!, ref]),
    );
  },
  loop(_nodes, graph, name, init, constants, condition, body) {
    const enter = (ref: string, k: number, isConstant: boolean): string =>
      graph.node(`${name}/enter_${k}`, 'Enter', [ref], {
        frame_name: bytes(`${name}/frame`),
        is_constant: {b: isConstant},
      });
    const nodes = inGraph(graph);
    const entered = init.map((ref, k) => enter(ref, k, false));
    const fixed = constants.map((ref, k) => enter(ref, init.length + k, true));
    const merges = entered.map((ref, k) =>
      graph.node(`${name}/merge_${k}`, 'Merge', [ref, `${name}/next_${k}`]),
    );
    const [wanted] = condition(nodes, [...merges, ...fixed]);
    const gate = graph.node(`${name}/loopcond`, 'LoopCond', [wanted!]);
    const gates = merges.map((ref, k) => graph.node(`${name}/switch_${k}`, 'Switch', [ref, gate]));
    const inside = gates.map((ref, k) =>
      graph.node(`${name}/identity_${k}`, 'Identity', [`${ref}:1`]),
    );
    const next = body(nodes, [...inside, ...fixed]);
    next.forEach((ref, k) => graph.node(`${name}/next_${k}`, 'NextIteration', [ref]));
    return gates.map((ref, k) => graph.node(`${name}/exit_${k}`, 'Exit', [ref]));
  },
};

export const forms: readonly Form[] = [functions, dataflow];

const keepDims = {keep_dims: {b: false}};
const plain = {transpose_a: {b: false}, transpose_b: {b: false}};
const elements = {element_dtype: {type: 'DT_FLOAT'}};

/** `s = sum(x)`; `s > 0 ? [√s · w, s] : [x · w, -s]`, as `y` and `z`. */
export function rootOrProduct({branch}: Form): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', [2]);
  const w = graph.weight('w', [2], [2, 3]);
  const s = graph.node('s', 'Sum', [x, graph.integers('axis', [1], [0])], keepDims);
  const positive = graph.node('positive', 'Greater', [s, graph.weight('zero', [], [0])]);
  const [y, z] = branch(
    graph,
    'chosen',
    positive,
    [x, s, w],
    (nodes, [, sum, factor]) => [
      nodes.node('scaled', 'Mul', [nodes.node('root', 'Sqrt', [sum!]), factor!]),
      nodes.node('same', 'Identity', [sum!]),
    ],
    (nodes, [input, sum, factor]) => [
      nodes.node('product', 'Mul', [input!, factor!]),
      nodes.node('negative', 'Neg', [sum!]),
    ],
  );
  graph.node('y', 'Identity', [y!]);
  graph.node('z', 'Identity', [z!]);
  return graph.build();
}

/** `while (sum(x²) > 1) x = x · w`, and how many rounds that took. */
export function shrink({loop}: Form): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', [2]);
  const w = graph.weight('w', [2], [0.5, 0.7]);
  const constants = [w, graph.integers('axis', [1], [0]), graph.weight('limit', [], [1])];
  const [, y, count] = loop(
    inGraph(graph),
    graph,
    'loop',
    [graph.integers('start', [], [0]), x, graph.weight('none', [], [0])],
    constants,
    (nodes, [, value, , , axis, limit]) => {
      const squares = nodes.node('squares', 'Square', [value!]);
      const norm = nodes.node('norm', 'Sum', [squares, axis!], keepDims);
      return [nodes.node('large', 'Greater', [norm, limit!])];
    },
    (nodes, [i, value, rounds, factor, , limit]) => [
      nodes.node('i_next', 'AddV2', [i!, nodes.integer('one', 1)]),
      nodes.node('smaller', 'Mul', [value!, factor!]),
      nodes.node('counted', 'AddV2', [rounds!, limit!]),
    ],
  );
  graph.node('y', 'Identity', [y!]);
  graph.node('rounds', 'Identity', [count!]);
  return graph.build();
}

/** A recurrent network over `x`, [steps, batch, 3]: `h = tanh(x[t] · W + h · U)`; `y` is all h, [steps, batch, 2]. */
export function recurrent({loop}: Form): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', [4, -1, 3]);
  const h = graph.input('h', [-1, 2]);
  const w = graph.weight('w', [3, 2], [0.3, -0.2, 0.5, 0.1, -0.4, 0.2]);
  const u = graph.weight('u', [2, 2], [0.4, 0.3, -0.5, 0.6]);
  const shapes = {
    row: graph.integers('row_shape', [2], [-1, 3]),
    state: graph.integers('state_shape', [2], [-1, 2]),
  };
  const steps = graph.integers('steps', [], [4]);
  const rows = graph.node('rows', 'TensorListFromTensor', [x, shapes.row], elements);
  const reserved = graph.node('reserved', 'TensorListReserve', [shapes.state, steps], elements);
  const [, , filled] = loop(
    inGraph(graph),
    graph,
    'loop',
    [graph.integers('start', [], [0]), h, reserved],
    [w, u, rows, steps, shapes.row],
    (nodes, [t, , , , , , count]) => [nodes.node('more', 'Less', [t!, count!])],
    (nodes, [t, state, states, kernel, recurrence, list, , shape]) => {
      const row = nodes.node('row', 'TensorListGetItem', [list!, t!, shape!], elements);
      const fresh = nodes.node('fresh', 'MatMul', [row, kernel!], plain);
      const old = nodes.node('old', 'MatMul', [state!, recurrence!], plain);
      const next = nodes.node('next', 'Tanh', [nodes.node('sum', 'AddV2', [fresh, old])]);
      return [
        nodes.node('t_next', 'AddV2', [t!, nodes.integer('one', 1)]),
        next,
        nodes.node('set', 'TensorListSetItem', [states!, t!, next], elements),
      ];
    },
  );
  graph.node('y', 'TensorListStack', [filled!, shapes.state], elements);
  return graph.build();
}

/** `while (i < n) y = √(x - y)`, which has no derivative where x is y: `n` is an input. */
export function roots({loop}: Form): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', []);
  const n = graph.input('n', [], 'DT_INT32');
  const w = graph.weight('w', [1], [1]);
  const [, y] = loop(
    inGraph(graph),
    graph,
    'loop',
    [graph.integers('start', [], [0]), graph.weight('nothing', [1], [0])],
    [n, x, w],
    (nodes, [i, , count]) => [nodes.node('more', 'Less', [i!, count!])],
    (nodes, [i, value, , input, factor]) => [
      nodes.node('i_next', 'AddV2', [i!, nodes.integer('one', 1)]),
      nodes.node('root', 'Sqrt', [
        nodes.node('rest', 'Sub', [nodes.node('scaled', 'Mul', [input!, factor!]), value!]),
      ]),
    ],
  );
  graph.node('y', 'Identity', [y!]);
  return graph.build();
}

/** `n` sums of the first elements of `x`, [4]; zeros for the rest. */
export function prefixSums({loop}: Form): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', [4]);
  const n = graph.input('n', [], 'DT_INT32');
  const scalar = graph.integers('scalar', [], [-1]);
  const rows = graph.node('rows', 'TensorListFromTensor', [x, scalar], elements);
  const four = graph.integers('four', [], [4]);
  const reserved = graph.node('reserved', 'TensorListReserve', [scalar, four], elements);
  const [, , filled] = loop(
    inGraph(graph),
    graph,
    'loop',
    [graph.integers('start', [], [0]), graph.weight('zero', [], [0]), reserved],
    [n, rows, scalar],
    (nodes, [i, , , count]) => [nodes.node('more', 'Less', [i!, count!])],
    (nodes, [i, sum, list, , values, shape]) => {
      const value = nodes.node('value', 'TensorListGetItem', [values!, i!, shape!], elements);
      const next = nodes.node('next', 'AddV2', [sum!, value]);
      return [
        nodes.node('i_next', 'AddV2', [i!, nodes.integer('one', 1)]),
        next,
        nodes.node('set', 'TensorListSetItem', [list!, i!, next], elements),
      ];
    },
  );
  graph.node('y', 'TensorListStack', [filled!, scalar], elements);
  return graph.build();
}

/** `a = x > 0 ? 2x : -x`, and with that `x > 0 ? a² : a + w`. */
export function twice({branch}: Form): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', []);
  const w = graph.weight('w', [1], [5]);
  const positive = graph.node('positive', 'Greater', [x, graph.weight('zero', [], [0])]);
  const [a] = branch(
    graph,
    'first',
    positive,
    [x],
    (nodes, [value]) => [nodes.node('doubled', 'AddV2', [value!, value!])],
    (nodes, [value]) => [nodes.node('negative', 'Neg', [value!])],
  );
  const [y] = branch(
    graph,
    'second',
    positive,
    [a!, w],
    (nodes, [value, shift]) => [
      nodes.node('squared', 'Mul', [
        nodes.node('plain', 'Mul', [value!, value!]),
        nodes.node('one', 'Div', [shift!, shift!]),
      ]),
    ],
    (nodes, [value, shift]) => [nodes.node('shifted', 'AddV2', [value!, shift!])],
  );
  graph.node('y', 'Identity', [y!]);
  return graph.build();
}
