import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import type {BackendName} from '../common/backend.js';
import {loadDigits, TRAINING_SIZE, type Digits} from '../common/digits.js';
import {sizeOf} from '../common/parameters.js';
import type {Progress} from '../common/program.js';
import type {Options} from './demo.js';
import {evaluator, type Evaluation} from './evaluate.js';
import {models} from './model.js';
import {dpSgdPrivacy} from './privacy.js';
import {showEpsilon, showPercent} from './show.js';
import {measureSpeedup, type Speedup} from './speedup.js';
import {initialize, train} from './train.js';

/** The probability with which the guarantee may fail: less than one in the number of digits. */
export const DELTA = 1e-4;
const EVALUATE_EVERY = 10;
const SPEEDUP_EXAMPLES = 64;

export interface Results {
  backend: BackendName | 'auto';
  /** The steps planned. */
  steps: number;
  evaluation: Evaluation;
  test: Digits;
  /** The steps taken and the privacy that they spent: less than planned if the training was stopped. */
  taken: {steps: number; epsilon: number; seconds: number};
  /** Left out if the training was stopped. */
  speedup?: Speedup;
}

/** Trains and evaluates a model. */
export async function run(options: Options, progress: Progress): Promise<Results> {
  const random = seedrandom(options.seed);
  const digits = loadDigits(random);
  const model = models[options.model];
  const parameters = initialize(model, random);
  const {evaluate, dispose} = evaluator(model, digits.test);
  try {
    const {batch, clip, noise, lr: learningRate, backend} = options;
    const samplingRate = batch / TRAINING_SIZE;
    const steps = Math.max(1, Math.round(options.epochs / samplingRate));
    const spent = dpSgdPrivacy({samplingRate, noiseMultiplier: noise}, DELTA);
    progress.start(
      steps,
      `Training the ${options.model} (${sizeOf(parameters)} parameters) on ${backend}: ${steps} steps of about ${batch} digits,\n` +
        `which will spend ε = ${showEpsilon(spent(steps).epsilon)} at δ = ${DELTA}. Ctrl-C stops.`,
    );

    let evaluation = evaluate(parameters);
    let stopped = false;
    const start = performance.now();
    const training = {steps, samplingRate, learningRate, clip, noise};
    const taken = await train(model, parameters, digits.train, training, random, async (step) => {
      if (step % EVALUATE_EVERY === 0) evaluation = evaluate(parameters);
      const {loss, accuracy} = evaluation;
      const epsilon = showEpsilon(spent(step).epsilon);
      const note = `loss ${loss.toFixed(3)} | accuracy ${showPercent(accuracy)} | ε ${epsilon}`;
      stopped = !(await progress.step(note));
      return !stopped;
    });
    const seconds = (performance.now() - start) / 1000;
    return {
      backend,
      steps,
      evaluation: evaluate(parameters),
      test: digits.test,
      taken: {steps: taken, epsilon: spent(taken).epsilon, seconds},
      speedup: stopped
        ? undefined
        : measureSpeedup(model, parameters, digits.train, SPEEDUP_EXAMPLES),
    };
  } finally {
    dispose();
    tf.dispose(parameters);
  }
}
