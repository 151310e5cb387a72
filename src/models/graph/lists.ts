import {
  concat,
  equal,
  gather,
  scalar,
  split,
  stack,
  Tensor,
  unstack,
  type DataType,
} from '@tensorflow/tfjs-core';
import {peel} from '../../interpreter/peel.js';
import {where, zeros} from '../../rules/ops.js';
import {attributeOf, unsupported, type GraphNode} from './nodes.js';

/**
 * A list of tensors, as loops of recurrent networks fill it. It is a value: what changes a list gives another one. An element that was never set
 * is null, and counts as zeros.
 */
export class TensorList {
  /** @param shape  of an element, as far as it is known: -1 is any size */
  constructor(
    readonly elements: readonly (Tensor | null)[],
    readonly shape: readonly number[] | null,
    readonly dtype: DataType,
  ) {}

  withElements(elements: readonly (Tensor | null)[]): TensorList {
    return new TensorList(elements, this.shape, this.dtype);
  }
}

export type Value = Tensor | TensorList;

type ListOp = (inputs: Arguments) => Record<number, Value>;

const setItem = (list: TensorList, args: Arguments, index: number, item: number): TensorList => {
  const value = args.tensor(item);
  const place = args.place(index);
  if (typeof place === 'number') {
    const elements = Array.from(
      {length: Math.max(list.elements.length, place + 1)},
      (_, i) => list.elements[i] ?? null,
    );
    elements[place] = value;
    return list.withElements(elements);
  }
  // The examples of a vmap set different elements.
  args.assertInside(place, list);
  return list.withElements(
    list.elements.map((element, i) =>
      where(equal(place, i), value, element ?? zeros(value.shape, value.dtype)),
    ),
  );
};

const getItem = (list: TensorList, args: Arguments, index: number, shape?: number): Tensor => {
  const place = args.place(index);
  args.assertInside(place, list);
  if (typeof place !== 'number') return gather(stacked(list, args, shape), place);
  return list.elements[place] ?? args.zeros(list, shape);
};

const stacked = (list: TensorList, args: Arguments, shape?: number): Tensor =>
  list.elements.length === 0
    ? zeros([0, ...args.elementShape(list, shape)], list.dtype)
    : stack(list.elements.map((element) => element ?? args.zeros(list, shape)));

const gathered = (list: TensorList, args: Arguments, indices: number, shape?: number): Tensor => {
  const places = args.numbers(indices);
  for (const place of places) args.assertInside(place, list);
  return stacked(list.withElements(places.map((place) => list.elements[place]!)), args, shape);
};

const scattered = (
  list: TensorList,
  args: Arguments,
  item: number,
  indices: number,
): TensorList => {
  const rows = unstack(args.tensor(item));
  const places = args.numbers(indices);
  const length = Math.max(list.elements.length, ...places.map((place) => place + 1));
  const elements = Array.from({length}, (_, i) => list.elements[i] ?? null);
  places.forEach((place, i) => (elements[place] = rows[i]!));
  return list.withElements(elements);
};

const reserved = (args: Arguments, shape: readonly number[] | null, length: number): TensorList =>
  new TensorList(
    Array.from({length: Math.max(0, length)}, () => null),
    shape,
    args.dtype,
  );

/** What each op gives, by the number of the output. */
const ops: Readonly<Record<string, ListOp>> = {
  EmptyTensorList: (args) => ({0: reserved(args, args.shape(0), 0)}),
  TensorListReserve: (args) => ({0: reserved(args, args.shape(0), args.number(1))}),
  TensorListFromTensor: (args) => {
    const tensor = args.tensor(0);
    const elements = tensor.shape[0] === 0 ? [] : unstack(tensor);
    return {0: new TensorList(elements, tensor.shape.slice(1), tensor.dtype)};
  },
  TensorListSetItem: (args) => ({0: setItem(args.list(0), args, 1, 2)}),
  TensorListGetItem: (args) => ({0: getItem(args.list(0), args, 1, 2)}),
  TensorListStack: (args) => ({0: stacked(args.list(0), args, 1)}),
  TensorListGather: (args) => ({0: gathered(args.list(0), args, 1, 2)}),
  TensorListScatter: (args) => ({0: scattered(reserved(args, args.shape(2), 0), args, 0, 1)}),
  TensorListScatterV2: (args) => ({
    0: scattered(reserved(args, args.shape(2), args.number(3)), args, 0, 1),
  }),
  TensorListConcat: (args) => ({0: joined(args.list(0), args)}),
  TensorListConcatV2: (args) => ({0: joined(args.list(0), args)}),
  TensorListSplit: (args) => ({
    0: new TensorList(split(args.tensor(0), args.numbers(2)), args.shape(1), args.dtype),
  }),
  TensorListPushBack: (args) => {
    const list = args.list(0);
    return {0: list.withElements([...list.elements, args.tensor(1)])};
  },
  TensorListPopBack: (args) => {
    const list = args.list(0);
    args.assertInside(list.elements.length - 1, list);
    const last = list.elements.at(-1) ?? args.zeros(list, 1);
    return {0: list.withElements(list.elements.slice(0, -1)), 1: last};
  },
  TensorListLength: (args) => ({0: args.count(args.list(0))}),
  TensorListResize: (args) => {
    const list = args.list(0);
    const length = args.number(1);
    return {0: list.withElements(Array.from({length}, (_, i) => list.elements[i] ?? null))};
  },
  // The state of a TensorArray is in its flow: the handle only says which one it is.
  TensorArrayV3: (args) => {
    const list = reserved(
      args,
      attributeOf(args.node, 'elementShape') as number[] | null,
      args.number(0),
    );
    return {0: list, 1: list};
  },
  TensorArrayWriteV3: (args) => ({0: setItem(args.list(3), args, 1, 2)}),
  TensorArrayReadV3: (args) => ({0: getItem(args.list(2), args, 1)}),
  TensorArrayGatherV3: (args) => ({0: gathered(args.list(2), args, 1)}),
  TensorArrayScatterV3: (args) => ({0: scattered(args.list(3), args, 2, 1)}),
  TensorArrayConcatV3: (args) => ({0: joined(args.list(1), args)}),
  TensorArraySizeV3: (args) => ({0: args.count(args.list(1))}),
};

const joined = (list: TensorList, args: Arguments): Tensor =>
  concat(list.elements.map((element) => element ?? args.zeros(list)));

export const isListOp = (op: string): boolean => op in ops;

/** Those that tfjs knows, and that have no form here. */
export const refusedListOps: Readonly<Record<string, string | undefined>> = {
  TensorArraySplitV3: 'splits a tensor into a TensorArray, which is not supported.',
  TensorArrayCloseV3: 'closes a TensorArray, which is not supported.',
};

/** @returns  what the node gives, by the number of the output */
export function runListOp(
  node: GraphNode,
  inputs: readonly Value[],
  caller: string,
): Record<number, Value> {
  return ops[node.op]!(new Arguments(node, inputs, caller));
}

/** The inputs of a node, as what the op takes them for. */
class Arguments {
  constructor(
    readonly node: GraphNode,
    private readonly inputs: readonly Value[],
    private readonly caller: string,
  ) {}

  /** Of the elements of a new list. */
  get dtype(): DataType {
    const dtype = attributeOf(this.node, 'elementDType') ?? attributeOf(this.node, 'dtype');
    return (dtype ?? 'float32') as DataType;
  }

  list(place: number): TensorList {
    const value = this.inputs[place];
    if (value instanceof TensorList) return value;
    throw this.refuse(`takes a list as input ${place}, but gets a tensor.`);
  }

  tensor(place: number): Tensor {
    const value = this.inputs[place];
    if (value instanceof Tensor) return value;
    throw this.refuse(
      `takes a tensor as input ${place}, but gets a list. Lists of lists are not supported.`,
    );
  }

  /** A number, or one for each example of a vmap. */
  place(place: number): number | Tensor {
    const tensor = this.tensor(place);
    const {values, levels} = peel(tensor);
    return levels.length === 0 ? values.dataSync()[0]! : tensor;
  }

  number(place: number): number {
    return this.numbers(place)[0]!;
  }

  numbers(place: number): number[] {
    return Array.from(this.tensor(place).dataSync());
  }

  /** The shape of an element: null where not even its rank is known. */
  shape(place: number): number[] | null {
    const tensor = this.tensor(place);
    return tensor.rank === 0 ? null : Array.from(tensor.dataSync());
  }

  assertInside(place: number | Tensor, {elements}: TensorList): void {
    const places = typeof place === 'number' ? [place] : peel(place).values.dataSync();
    for (const index of places) {
      if (index >= 0 && index < elements.length) continue;
      throw this.refuse(`takes element ${index} of a list of ${elements.length}.`);
    }
  }

  /** What an element that was never set is. */
  zeros(list: TensorList, shape?: number): Tensor {
    return zeros(this.elementShape(list, shape), list.dtype);
  }

  /** @param shape  the input that may tell it too */
  elementShape(list: TensorList, shape?: number): number[] {
    const set = list.elements.find((element) => element !== null);
    const told = [list.shape, shape === undefined ? null : this.shape(shape)];
    const known = [set?.shape, ...told].find((sizes) => sizes?.every((size) => size >= 0));
    if (known != null) return [...known];
    throw this.refuse('takes an element that was never set, and whose shape is not known.');
  }

  count({elements}: TensorList): Tensor {
    return scalar(elements.length, 'int32');
  }

  private refuse(why: string): Error {
    return unsupported(this.node, why, this.caller);
  }
}
