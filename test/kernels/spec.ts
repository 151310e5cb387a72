import type * as tf from '@tensorflow/tfjs-core';
import {host, sizeOf, type HostTensor} from '../support/host.js';
import type {Random} from '../support/random.js';

type Draw = (random: Random, size: number, inputs: ReadonlyMap<string, HostTensor>) => number[];

/**
 * An input of a sample: its shape, its dtype, and how its values are drawn. Float values keep away from zero and from each other,
 * so that finite differences meet no kink and no tie; a kernel with kinks elsewhere says where its values lie.
 */
export class Spec {
  constructor(
    readonly shape: readonly number[],
    readonly dtype: tf.DataType,
    private readonly values: Draw,
    /** Inputs that this one is computed from: it is mapped where one of them is. */
    readonly sources: readonly string[] = [],
  ) {}

  draw(random: Random, inputs: ReadonlyMap<string, HostTensor>): HostTensor {
    return host(this.shape, this.dtype, this.values(random, sizeOf(this.shape), inputs));
  }

  /** Values in [low, high); floats evenly spread there. */
  in(low: number, high: number): Spec {
    return this.drawn((random, size) =>
      this.dtype === 'float32'
        ? spread(random, size, low, high)
        : Array.from({length: size}, () => random.integer(low, high)),
    );
  }

  /** One of the given lists of values; a batch takes now this one, now that. */
  of(...choices: readonly (readonly number[])[]): Spec {
    return this.drawn((random) => [...random.pick(choices)]);
  }

  /** The values as drawn, with some of them replaced by these. */
  including(...values: readonly number[]): Spec {
    return this.drawn((random, size, inputs) => {
      const drawn = this.values(random, size, inputs);
      const places = random.shuffle([...drawn.keys()]);
      values.forEach((value, i) => (drawn[places[i] as number] = value));
      return drawn;
    });
  }

  map(f: (value: number, index: number) => number): Spec {
    return this.drawn((random, size, inputs) => this.values(random, size, inputs).map(f));
  }

  /** Each row of the last dimension in ascending order. */
  sorted(): Spec {
    const length = this.shape.at(-1) ?? 1;
    return this.drawn((random, size, inputs) => {
      const drawn = this.values(random, size, inputs);
      const rows = Array.from({length: size / length}, (_, i) =>
        drawn.slice(i * length, (i + 1) * length).sort((a, b) => a - b),
      );
      return rows.flat();
    });
  }

  /** Indices into a tensor of this shape, one in each row, no row twice. */
  distinctIndices(shape: readonly number[], order: 'sorted' | 'any' = 'any'): Spec {
    return this.drawn((random, size) => {
      const rows = shape.length === 0 ? 0 : size / shape.length;
      const flat = random.shuffle([...Array(sizeOf(shape)).keys()]).slice(0, rows);
      return (order === 'sorted' ? flat.sort((a, b) => a - b) : flat).flatMap((index) =>
        unravel(index, shape),
      );
    });
  }

  /** Indices into a tensor of this shape, one in each row. */
  indices(shape: readonly number[]): Spec {
    return this.drawn((random, size) =>
      Array.from({length: size}, (_, i) => random.integer(0, shape[i % shape.length] as number)),
    );
  }

  /** Values computed from other inputs of the same example. */
  from<Name extends string>(
    sources: readonly Name[],
    f: (inputs: Readonly<Record<Name, HostTensor>>) => HostTensor,
  ): Spec {
    const values: Draw = (_random, _size, inputs) => [
      ...f(Object.fromEntries(inputs) as Record<Name, HostTensor>).values,
    ];
    return new Spec(this.shape, this.dtype, values, sources);
  }

  private drawn(values: Draw): Spec {
    return new Spec(this.shape, this.dtype, values, this.sources);
  }
}

/** Values of both signs, with magnitudes spread over [0.1, 2). */
export function f32(...shape: number[]): Spec {
  return new Spec(shape, 'float32', (random, size) =>
    spread(random, size, 0.1, 2).map((value) => Math.fround(random.next() < 0.5 ? -value : value)),
  );
}

/** Complex numbers, both parts of which are as those of `f32`. */
export function c64(...shape: number[]): Spec {
  const parts = f32(...shape, 2);
  return new Spec(shape, 'complex64', (random, _size, inputs) => [
    ...parts.draw(random, inputs).values,
  ]);
}

/** Whole numbers in [-4, 5). */
export function i32(...shape: number[]): Spec {
  return new Spec(shape, 'int32', (random, size) =>
    Array.from({length: size}, () => random.integer(-4, 5)),
  );
}

/** As many zeros as ones, in random order. */
export function bool(...shape: number[]): Spec {
  return new Spec(shape, 'bool', (random, size) =>
    random.shuffle(Array.from({length: size}, (_, i) => i % 2)),
  );
}

/** One draw of all inputs. */
export function drawInputs(
  names: readonly string[],
  specs: readonly Spec[],
  randomFor: (name: string) => Random,
  given: ReadonlyMap<string, HostTensor> = new Map(),
): HostTensor[] {
  const inputs = new Map(given);
  names.forEach((name, i) => {
    if (!inputs.has(name)) {
      inputs.set(name, (specs[i] as Spec).draw(randomFor(name), inputs));
    }
  });
  return names.map((name) => inputs.get(name) as HostTensor);
}

/** Float32 numbers, one near the middle of each of `size` equal parts of [low, high), in random order. */
function spread(random: Random, size: number, low: number, high: number): number[] {
  const values = Array.from({length: size}, (_, i) =>
    Math.fround(low + ((high - low) * (i + random.uniform(0.2, 0.8))) / size),
  );
  return random.shuffle(values);
}

function unravel(index: number, shape: readonly number[]): number[] {
  const result: number[] = [];
  let rest = index;
  for (const dim of [...shape].reverse()) {
    result.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return result;
}
