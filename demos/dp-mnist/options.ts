import {parseArgs} from 'node:util';
import {backendNames, type BackendName} from './backend.js';
import {TRAINING_SIZE} from './data.js';
import {models} from './model.js';
import {UserError} from './user-error.js';

export interface Options {
  epochs: number;
  batch: number;
  noise: number;
  clip: number;
  lr: number;
  model: keyof typeof models;
  backend: BackendName | 'auto';
  seed: string;
  out: string;
}

export const defaults: Options = {
  epochs: 20,
  batch: 512,
  noise: 1,
  clip: 1,
  lr: 2,
  model: 'cnn',
  backend: 'auto',
  seed: '1',
  out: '.cache/dp-mnist',
};

export const help = `Trains a digit classifier with differentially private SGD.

Usage: npm run quickstart -- [options]

  --epochs <number>   passes over the training digits, fractions allowed (default ${defaults.epochs})
  --batch <integer>   digits per step, on average (default ${defaults.batch})
  --noise <number>    noise multiplier: noise relative to --clip; 0 trains without privacy (default ${defaults.noise})
  --clip <number>     largest norm of one digit's gradient (default ${defaults.clip})
  --lr <number>       learning rate (default ${defaults.lr})
  --model <name>      ${Object.keys(models).join(' or ')} (default ${defaults.model})
  --backend <name>    ${backendNames.join(', ')}, or auto: the first of them that runs here (default ${defaults.backend})
  --seed <text>       start of all random numbers (default ${defaults.seed})
  --out <folder>      where the results are written (default ${defaults.out})
  --help              this text

Ctrl-C ends the training after the step in progress; the results of what was trained are written as usual.
`;

/** @returns the options, or 'help' where help was asked for */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const given = parseStrings(args);
  if (given.help === true) return 'help';
  const positive = {least: 'above 0', test: (x: number) => x > 0};
  const notNegative = {least: '0 or more', test: (x: number) => x >= 0};
  const batch = numberOf('batch', given.batch, defaults.batch, positive);
  if (!Number.isInteger(batch) || batch > TRAINING_SIZE) {
    throw new UserError(
      `--batch must be an integer from 1 to ${TRAINING_SIZE}, the number of training digits, but is ${batch}`,
    );
  }
  return {
    epochs: numberOf('epochs', given.epochs, defaults.epochs, positive),
    batch,
    noise: numberOf('noise', given.noise, defaults.noise, notNegative),
    clip: numberOf('clip', given.clip, defaults.clip, positive),
    lr: numberOf('lr', given.lr, defaults.lr, positive),
    model: choiceOf(
      'model',
      given.model,
      defaults.model,
      Object.keys(models) as Options['model'][],
    ),
    backend: choiceOf('backend', given.backend, defaults.backend, ['auto', ...backendNames]),
    seed: given.seed ?? defaults.seed,
    out: given.out ?? defaults.out,
  };
}

function parseStrings(args: readonly string[]) {
  const text = {type: 'string'} as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        epochs: text,
        batch: text,
        noise: text,
        clip: text,
        lr: text,
        model: text,
        backend: text,
        seed: text,
        out: text,
        help: {type: 'boolean', short: 'h'},
      },
    }).values;
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}

interface Range {
  readonly least: string;
  test(value: number): boolean;
}

function numberOf(name: string, text: string | undefined, fallback: number, range: Range): number {
  if (text === undefined) return fallback;
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && range.test(value)) return value;
  throw new UserError(`--${name} must be a number ${range.least}, but is '${text}'`);
}

function choiceOf<T extends string>(
  name: string,
  text: string | undefined,
  fallback: T,
  choices: readonly T[],
): T {
  if (text === undefined) return fallback;
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new UserError(`--${name} must be one of ${choices.join(', ')}, but is '${text}'`);
}
