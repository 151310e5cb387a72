import {attrsKey} from '../attributes.js';
import {knownNumbers} from '../constants.js';
import {listOf, type Graph, type KernelNode, type PerInput, type Value} from '../graph.js';
import {Transformer} from '../transformer.js';

/** Computes once what is computed several times: calls of the same kernel on the same values with the same attributes. */
export const commonSubexpressions = (graph: Graph): Graph =>
  new CommonSubexpressions(graph).transform();

class CommonSubexpressions extends Transformer {
  private readonly computed = new Map<string, readonly Value[]>();
  private readonly constants = new Map<string, Value>();

  protected override transformNode(node: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    const names = Array.isArray(inputs) ? '' : Object.keys(inputs).join();
    const values = listOf(inputs).map(({name}) => name);
    const key = `${node.kernel}(${names}: ${values.join()}) ${attrsKey(node.attrs)}`;
    const known = this.computed.get(key);
    if (known !== undefined) return known;
    const added = super.transformNode(node, inputs);
    this.computed.set(key, added);
    return added;
  }

  /** Small constants with the same numbers are one. */
  protected override valueOf(value: Value): Value {
    const numbers = knownNumbers(value);
    if (numbers === null) return super.valueOf(value);
    const key = `${value.dtype} [${value.shape.join()}]: ${attrsKey([...numbers])}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const added = super.valueOf(value);
    this.constants.set(key, added);
    return added;
  }
}
