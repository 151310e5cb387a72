import {TRAINING_SIZE} from '../common/digits.js';
import {choice, integer, number, type CommonOptions, type Values} from '../common/options.js';
import type {Demo} from '../common/program.js';
import {models} from './model.js';
import {filesOf, summary} from './report.js';
import {run} from './run.js';

const options = {
  epochs: number(20, 'passes over the training digits, fractions allowed'),
  batch: integer(512, 'digits per step, on average', TRAINING_SIZE),
  noise: number(
    1,
    'noise multiplier: noise relative to --clip; 0 trains without privacy',
    '0 or more',
  ),
  clip: number(1, "largest norm of one digit's gradient"),
  lr: number(2, 'learning rate'),
  model: choice('cnn', Object.keys(models).join(' or '), Object.keys(models) as ModelName[]),
};

type ModelName = keyof typeof models;

export type Options = Values<typeof options> & CommonOptions;

export const demo: Demo<typeof options> = {
  name: 'dp-mnist',
  about: 'Trains a digit classifier with differentially private SGD.',
  usage: 'npm run quickstart --',
  options,
  async run(chosen, progress) {
    const results = await run(chosen, progress);
    return {summary: summary(results), files: filesOf(chosen, results)};
  },
};
