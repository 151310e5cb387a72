import type {TensorContainer} from '@tensorflow/tfjs-core';
import type {JaxJob} from '../jaxJs.js';

/** The library under test, handed to the rows: they must not load it themselves (see `StockTfjs`). */
export type Library = typeof import('../../src/index.js');

/** A program that is timed as a whole; what it returns is checked and thrown away. */
export interface Program {
  /** What it does, for the report: 'loop of 64 tf.grads'. */
  readonly label: string;
  readonly run: () => TensorContainer;
  /** What is checked, if that is not what `run` returns. */
  readonly result?: () => TensorContainer;
  /** For what would take too long: it does only the first so many of all examples, and its time is scaled. */
  readonly part?: Part;
  /** Whether it runs the library's transforms or kernels, though it is none of our contenders. */
  readonly usesLibrary?: boolean;
}

/** A function and its arguments. */
export interface Call {
  readonly f: (...args: unknown[]) => TensorContainer;
  readonly args: readonly unknown[];
}

export interface Part {
  readonly done: number;
  readonly of: number;
}

/** One job done in several ways, with the same inputs and the same result. */
interface Contest {
  readonly ours: Program;
  /** Stock tfjs, an example at a time. */
  readonly loop?: Program;
  /** Stock tfjs, batched by hand as well as it can be on this backend; for what needs no batching, the plain call. */
  readonly byHand: Program;
  /** The same in jax-js. */
  readonly jaxJs?: JaxJob;
  /** What `ours` calls, for a row that compiles it. */
  readonly call?: Call;
}

/** What the library wants to reach. */
export interface Goal {
  /** At least so many times as fast as the loop. */
  readonly loopOverOurs?: number;
  /** At most so many times as long as by hand. */
  readonly oursOverHand?: number;
  /** At least so many times as fast as jax-js's jit. */
  readonly jaxOverOurs?: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  /** Shapes and sizes. */
  readonly detail: string;
  readonly goals?: Readonly<Record<string, Goal>>;
  /** Makes the inputs, in the caller's scope. */
  prepare(library: Library, backend: string): Contest;
}
