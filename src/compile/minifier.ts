import {keep, type Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {share} from '../interpreter/tracer.js';
import {extractGraph} from './extract.js';
import {listOf, type Graph, type KernelNode, type PerInput, type Value} from './graph.js';
import {Interpreter} from './interpreter.js';

/** A graph, and inputs for it. */
export interface GraphCall {
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
}

/**
 * Finds a small part of a graph that fails as the whole does: fewer outputs, fewer kernels, with intermediate values as inputs in place of what
 * computes them (delta debugging). To find the kernels on which a compiler or a pass is wrong.
 *
 * @param inputs  a tensor for each input
 * @param fails  whether a graph fails on inputs. What it throws is thrown on: catch where throwing is the failure
 * @returns  the part, and inputs on which it fails. Both belong to the caller: `graph.dispose()`, and tensors of the open scope
 * @throws TransformError `invalid-argument` where the whole graph does not fail
 * @see https://pytorch.org/functorch/stable/aot_autograd.html for `minifier`
 * @example
 * const f = makeFx((x: tf.Tensor) => tf.exp(tf.tan(tf.sin(x))))(tf.scalar(0));
 * const fails = (graph: compile.Graph) => graph.kernels.some(({kernel}) => kernel === 'Tan');
 * const {graph, inputs} = compile.minifier(f.graph, [tf.scalar(1)], fails);
 * graph.kernels.map(({kernel}) => kernel)  // => ["Tan"]
 * inputs[0]!  // => 0.8415
 */
export function minifier(
  graph: Graph,
  inputs: readonly Tensor[],
  fails: (graph: Graph, inputs: readonly Tensor[]) => boolean,
): GraphCall {
  return scoped('minifier', (results) => {
    const recorder = new Recorder(graph, inputs);
    try {
      recorder.run(inputs);
      const search = new Search(graph, recorder.known, fails);
      const call = search.minimize();
      results.push(...call.inputs);
      return call;
    } finally {
      recorder.free();
    }
  });
}

/** Runs a graph and keeps all values. */
class Recorder extends Interpreter {
  readonly known = new Map<Value, Tensor>();

  constructor(graph: Graph, inputs: readonly Tensor[]) {
    super(graph);
    graph.inputs.forEach((node, index) => this.record(node.outputs[0]!, inputs[index]));
  }

  protected override runNode(node: KernelNode, inputs: PerInput<Tensor>) {
    const result = super.runNode(node, inputs);
    const outputs = [result].flat() as Tensor[];
    node.outputs.forEach((value, index) => this.record(value, outputs[index]));
    return result;
  }

  free(): void {
    for (const tensor of this.known.values()) tensor.dispose();
  }

  private record(value: Value, tensor: Tensor | undefined): void {
    if (tensor !== undefined) this.known.set(value, keep(share(tensor)));
  }
}

/** A part of the graph: its outputs, and the values that are inputs in place of being computed. */
interface Part {
  readonly outputs: readonly Value[];
  readonly given: ReadonlySet<Value>;
}

class Search {
  constructor(
    private readonly graph: Graph,
    private readonly known: ReadonlyMap<Value, Tensor>,
    private readonly fails: (graph: Graph, inputs: readonly Tensor[]) => boolean,
  ) {}

  minimize(): GraphCall {
    const whole: Part = {outputs: this.graph.outputs, given: new Set()};
    if (!this.failsOn(whole)) {
      throw new TransformError(
        `the graph does not fail on these inputs: there is nothing to be found. 'fails' must give true for the whole graph.`,
        {code: 'invalid-argument', transform: 'minifier'},
      );
    }
    const {graph, values} = this.extract(this.withInputs(this.withOutputs(whole)));
    return {graph, inputs: values.map((value) => share(this.known.get(value)!))};
  }

  /** Fewer outputs: those of the shortest beginning that fails, then as few of them as can be. */
  private withOutputs(part: Part): Part {
    const values = this.graph.kernels.flatMap(({outputs}) => outputs);
    const beginning = (count: number): Part => ({...part, outputs: values.slice(0, count)});
    let failing = part;
    let [low, high] = [0, values.length];
    if (this.failsOn(beginning(high))) {
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (this.failsOn(beginning(middle))) high = middle;
        else low = middle;
      }
      const last = {...part, outputs: values.slice(high - 1, high)};
      if (this.failsOn(last)) return last;
      failing = beginning(high);
    }
    const outputs = this.fewest(failing.outputs, (kept) => ({...failing, outputs: kept}));
    return {...failing, outputs};
  }

  /** Fewer kernels: as many values as can be are inputs. */
  private withInputs(part: Part): Part {
    const values = this.graph.kernels.flatMap(({outputs}) => outputs);
    const candidates = values.filter((value) => !part.outputs.includes(value));
    const partWith = (computed: readonly Value[]): Part => ({
      ...part,
      given: new Set(candidates.filter((value) => !computed.includes(value))),
    });
    return partWith(this.fewest(candidates, partWith));
  }

  /** A list of which nothing can be left out, by leaving out ever smaller pieces. */
  private fewest(values: readonly Value[], partOf: (kept: readonly Value[]) => Part): Value[] {
    let kept = [...values];
    for (let size = kept.length; size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < kept.length;) {
        const fewer = [...kept.slice(0, start), ...kept.slice(start + size)];
        if (this.failsOn(partOf(fewer))) kept = fewer;
        else start += size;
      }
    }
    return kept;
  }

  private failsOn(part: Part): boolean {
    if (part.outputs.length === 0) return false;
    const {graph, values} = this.extract(part);
    try {
      return scoped('minifier', () =>
        this.fails(
          graph,
          values.map((value) => this.known.get(value)!),
        ),
      );
    } finally {
      graph.dispose();
    }
  }

  /** The part as a graph, with the values that are its inputs: only those that it takes. */
  private extract({outputs, given}: Part): {graph: Graph; values: Value[]} {
    const inputs = [...this.graph.inputs.map((node) => node.outputs[0]!), ...given];
    const all = extractGraph(this.graph, inputs, outputs);
    const taken = new Set([...all.outputs, ...all.kernels.flatMap((node) => listOf(node.inputs))]);
    const values = inputs.filter((_, index) => taken.has(all.inputs[index]!.outputs[0]!));
    all.dispose();
    return {graph: extractGraph(this.graph, values, outputs), values};
  }
}
