import {TransformError} from '../errors.js';
import {showSpec, type Graph, type Node} from './graph.js';

/**
 * A graph in DOT, the language of Graphviz: inputs, constants, variables and kernels as nodes, and an edge from each to those that take its
 * values.
 */
export function dotOf(graph: Graph): string {
  const lines = graph.nodes.map(dotNode);
  for (const node of graph.kernels) {
    for (const [input, value] of Object.entries(node.inputs)) {
      lines.push(`${quote(value.node.name)} -> ${quote(node.name)} [label=${quote(input)}];`);
    }
  }
  graph.outputs.forEach((value, index) => {
    lines.push(`${quote(`output ${index}`)} [shape=ellipse, style=bold];`);
    lines.push(`${quote(value.node.name)} -> ${quote(`output ${index}`)};`);
  });
  return ['digraph {', ...lines.map((line) => `  ${line}`), '}'].join('\n');
}

const styles: Readonly<Record<Node['kind'], string>> = {
  input: 'shape=ellipse',
  constant: 'shape=box, style=dashed',
  variable: 'shape=box, style=dotted',
  kernel: 'shape=box, style=rounded',
};

function dotNode(node: Node): string {
  const what = node.kind === 'kernel' ? node.kernel : node.kind;
  const label = [`${what}: ${node.name}`, ...node.outputs.map(showSpec)].map(escape).join('\\n');
  return `${quote(node.name)} [${styles[node.kind]}, label="${label}"];`;
}

const escape = (text: string): string => text.replace(/[\\"]/g, '\\$&');

const quote = (text: string): string => `"${escape(text)}"`;

/** The part of `@hpcc-js/wasm-graphviz` that is used here. */
interface GraphvizModule {
  readonly Graphviz: {load(): Promise<{layout(dot: string, format: 'svg', engine: 'dot'): string}>};
}

/**
 * A graph as an SVG picture, laid out by Graphviz. Takes the package `@hpcc-js/wasm-graphviz`, which is loaded when this is first called.
 *
 * @param load  gives that package where a bundler or an older Node can't: `() => import('@hpcc-js/wasm-graphviz')`
 * @throws TransformError `missing-package`
 * @example
 * const f = makeFx((x: tf.Tensor) => tf.exp(tf.sin(x)))(tf.scalar(0));
 * const svg = await compile.drawGraph(f.graph);
 * svg.includes('Exp: exp')  // => true
 */
export async function drawGraph(
  graph: Graph,
  load: () => Promise<GraphvizModule> = () => import('@hpcc-js/wasm-graphviz'),
): Promise<string> {
  const dot = dotOf(graph);
  let graphviz: GraphvizModule;
  try {
    graphviz = await load();
  } catch (cause) {
    throw new TransformError(
      `the package '@hpcc-js/wasm-graphviz', which lays graphs out, can't be loaded. Install it (npm install @hpcc-js/wasm-graphviz), or ` +
        `give the text of dotOf(graph) to another Graphviz.`,
      {code: 'missing-package', transform: 'drawGraph', cause},
    );
  }
  const {Graphviz} = graphviz;
  return (await Graphviz.load()).layout(dot, 'svg', 'dot');
}
