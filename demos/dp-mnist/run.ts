import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import {startBackend, type BackendName} from './backend.js';
import {loadDigits, TRAINING_SIZE, type Digits} from './data.js';
import {evaluator, type Evaluation} from './evaluate.js';
import {models} from './model.js';
import type {Options} from './options.js';
import {dpSgdPrivacy} from './privacy.js';
import {measureSpeedup, type Speedup} from './speedup.js';
import {initialize, train} from './train.js';

/** The probability with which the guarantee may fail: less than one in the number of digits. */
export const DELTA = 1e-4;
const EVALUATE_EVERY = 10;
const SPEEDUP_EXAMPLES = 64;

export interface Plan {
  backend: BackendName;
  steps: number;
  parameters: number;
  /** The privacy that the whole training will spend. */
  epsilon: number;
}

export interface Progress {
  step: number;
  epsilon: number;
  /** Of the test digits, at the latest evaluation. */
  loss: number;
  accuracy: number;
}

export interface Results extends Plan {
  evaluation: Evaluation;
  test: Digits;
  /** The steps taken and the privacy that they spent: less than planned if the training was stopped. */
  taken: {steps: number; epsilon: number; seconds: number};
  /** Left out if the training was stopped. */
  speedup?: Speedup;
}

export interface Listener {
  onPlan(plan: Plan): void;
  onStep(progress: Progress): void;
}

/** Trains and evaluates a model. When `signal` is aborted, the step in progress is the last one. */
export async function run(
  options: Options,
  signal: AbortSignal,
  listener: Listener,
): Promise<Results> {
  const backend = await startBackend(options.backend);
  const random = seedrandom(options.seed);
  const digits = loadDigits(random);
  const model = models[options.model];
  const parameters = initialize(model, random);
  const {evaluate, dispose} = evaluator(model, digits.test);
  try {
    const samplingRate = options.batch / TRAINING_SIZE;
    const steps = Math.max(1, Math.round(options.epochs / samplingRate));
    const spent = dpSgdPrivacy({samplingRate, noiseMultiplier: options.noise}, DELTA);
    const size = Object.values(parameters).reduce((sum, tensor) => sum + tensor.size, 0);
    const plan = {backend, steps, parameters: size, epsilon: spent(steps).epsilon};
    listener.onPlan(plan);

    let evaluation = evaluate(parameters);
    const start = performance.now();
    const {clip, noise, lr: learningRate} = options;
    const training = {steps, samplingRate, learningRate, clip, noise};
    const taken = await train(model, parameters, digits.train, training, random, (step) => {
      if (step % EVALUATE_EVERY === 0) evaluation = evaluate(parameters);
      const {loss, accuracy} = evaluation;
      listener.onStep({step, epsilon: spent(step).epsilon, loss, accuracy});
      return !signal.aborted;
    });
    const seconds = (performance.now() - start) / 1000;
    return {
      ...plan,
      evaluation: evaluate(parameters),
      test: digits.test,
      taken: {steps: taken, epsilon: spent(taken).epsilon, seconds},
      speedup: signal.aborted
        ? undefined
        : measureSpeedup(model, parameters, digits.train, SPEEDUP_EXAMPLES),
    };
  } finally {
    dispose();
    tf.dispose(parameters);
  }
}
