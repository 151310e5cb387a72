import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {leavesInOrderOf, mapLeaves, pathOf, showPath, structureMismatch} from '../tree.js';
import {identityOf} from './cache.js';
import {sameSpec, showSpec, type TensorSpec} from './graph.js';

/** A tensor's place in a tree. */
class Slot implements TensorSpec {
  constructor(
    readonly shape: readonly number[],
    readonly dtype: TensorSpec['dtype'],
  ) {}
}

/** The form of a tree: its structure, the shapes and dtypes of its tensors, and its other leaves as they are. */
export class Structure {
  private constructor(private readonly tree: unknown) {}

  static of(tree: unknown): Structure {
    return new Structure(
      mapLeaves(tree, (leaf) =>
        leaf instanceof Tensor ? new Slot([...leaf.shape], leaf.dtype) : leaf,
      ),
    );
  }

  /** What `toJSON` gave. */
  static fromJSON(json: unknown): Structure {
    const parse = (node: unknown): unknown => {
      if (Array.isArray(node)) return node.map(parse);
      const entry = node as Readonly<Record<string, unknown>>;
      if ('shape' in entry)
        return new Slot(entry['shape'] as number[], entry['dtype'] as 'float32');
      if ('leaf' in entry) return entry['leaf'];
      if ('absent' in entry) return undefined;
      return Object.fromEntries(
        Object.entries(entry['fields'] as object).map(([key, child]) => [key, parse(child)]),
      );
    };
    return new Structure(parse(json));
  }

  /** Tensors' shapes and dtypes, in order. */
  get slots(): TensorSpec[] {
    const slots: TensorSpec[] = [];
    mapLeaves(this.tree, (leaf) => leaf instanceof Slot && slots.push(leaf));
    return slots;
  }

  /** A text that is the same for trees of the same form. */
  get key(): string {
    const show = (node: unknown): string => {
      if (node instanceof Slot) return showSpec(node);
      if (Array.isArray(node)) return `[${node.map(show).join()}]`;
      if (typeof node !== 'object' || node === null || !isPlain(node)) return identityOf(node);
      return `{${Object.entries(node)
        .map(([key, child]) => `${JSON.stringify(key)}: ${show(child)}`)
        .join()}}`;
    };
    return show(this.tree);
  }

  /** A name for each tensor, after its place: `params_w`, where the names of the first step are given (without a key if there is none). */
  names(first: (key?: string | number) => string): string[] {
    const names: string[] = [];
    mapLeaves(this.tree, (leaf, index) => {
      if (!(leaf instanceof Slot)) return;
      const [head, ...rest] = pathOf(this.tree, index);
      names.push([first(head), ...rest].join('_'));
    });
    return names;
  }

  /** The tree with tensors in its slots. */
  build(tensors: readonly Tensor[]): unknown {
    let next = 0;
    return mapLeaves(this.tree, (leaf) => (leaf instanceof Slot ? tensors[next++] : leaf));
  }

  /**
   * The tensors of another tree of this form, in the order of this one.
   * @throws TransformError `graph-mismatch` where it is of another form
   */
  tensorsOf(tree: unknown, what: string, transform: string): Tensor[] {
    const refuse = (message: string): never => {
      throw new TransformError(
        `${message} A graph holds for the structure, shapes, dtypes and other values that it was captured with. Capture another one.`,
        {code: 'graph-mismatch', transform},
      );
    };
    const mismatch = structureMismatch(this.tree, tree);
    if (mismatch !== null) refuse(`the ${what} don't fit the graph: ${mismatch}.`);
    const expected = leavesInOrderOf(this.tree, this.tree);
    return leavesInOrderOf(this.tree, tree).flatMap((leaf, index) => {
      const slot = expected[index];
      const place = (): string => `${what}${showPath(pathOf(this.tree, index))}`;
      if (!(slot instanceof Slot)) {
        if (Object.is(slot, leaf)) return [];
        return refuse(
          `${place()} is ${describe(leaf)}, but was ${describe(slot)} when the graph was captured.`,
        );
      }
      if (!(leaf instanceof Tensor) || !sameSpec(slot, leaf)) {
        return refuse(
          `${place()} is ${describe(leaf)}, but was ${showSpec(slot)} when the graph was captured.`,
        );
      }
      return [leaf];
    });
  }

  /** @throws TransformError `graph-mismatch` for a leaf that JSON has no form for */
  toJSON(): unknown {
    const show = (node: unknown): unknown => {
      if (node instanceof Slot) return {shape: node.shape, dtype: node.dtype};
      if (node === undefined) return {absent: true};
      if (node === null || ['number', 'string', 'boolean'].includes(typeof node)) {
        return {leaf: node};
      }
      if (Array.isArray(node)) return node.map(show);
      if (typeof node === 'function' || !isPlain(node)) {
        throw new TransformError(
          `${describe(node)} among the arguments or results can't be written as JSON. Close over it instead of passing it.`,
          {code: 'graph-mismatch', transform: 'makeFx'},
        );
      }
      return {
        fields: Object.fromEntries(Object.entries(node).map(([key, child]) => [key, show(child)])),
      };
    };
    return show(this.tree);
  }
}

const isPlain = (node: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
};
