import {parseArgs} from 'node:util';
import {backendNames, type BackendName} from './backend.js';
import {UserError} from './user-error.js';

/** One option of a command line: `--name placeholder`. */
export interface Spec<T> {
  readonly initial: T;
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly help: string;
  /** @throws UserError if the text is no such value */
  parse(text: string, name: string): T;
}

export type Specs = Readonly<Record<string, Spec<unknown>>>;

export type Values<S extends Specs> = {
  -readonly [K in keyof S]: S[K] extends Spec<infer T> ? T : never;
};

export function integer(initial: number, help: string, to = Infinity): Spec<number> {
  const range = to === Infinity ? 'of 1 or more' : `from 1 to ${to}`;
  return {
    initial,
    placeholder: '<integer>',
    help,
    parse(text, name) {
      const value = numberIn(text);
      if (Number.isInteger(value) && value >= 1 && value <= to) return value;
      throw new UserError(`--${name} must be an integer ${range}, but is '${text}'`);
    },
  };
}

export function number(
  initial: number,
  help: string,
  range: 'above 0' | '0 or more' = 'above 0',
): Spec<number> {
  return {
    initial,
    placeholder: '<number>',
    help,
    parse(text, name) {
      const value = numberIn(text);
      if (Number.isFinite(value) && (range === 'above 0' ? value > 0 : value >= 0)) return value;
      throw new UserError(`--${name} must be a number ${range}, but is '${text}'`);
    },
  };
}

const numberIn = (text: string): number => (text.trim() === '' ? NaN : Number(text));

export function choice<T extends string>(initial: T, help: string, choices: readonly T[]): Spec<T> {
  return {
    initial,
    placeholder: '<name>',
    help,
    parse(text, name) {
      const chosen = choices.find((known) => known === text);
      if (chosen !== undefined) return chosen;
      throw new UserError(`--${name} must be one of ${choices.join(', ')}, but is '${text}'`);
    },
  };
}

function text(initial: string, placeholder: string, help: string): Spec<string> {
  return {initial, placeholder, help, parse: (value) => value};
}

/** What every demo has. */
export function commonOptions(name: string): {
  backend: Spec<BackendName | 'auto'>;
  seed: Spec<string>;
  out: Spec<string>;
} {
  return {
    backend: choice(
      'auto',
      `${backendNames.join(', ')}, or auto: the first of them that runs here`,
      ['auto', ...backendNames],
    ),
    seed: text('1', '<text>', 'start of all random numbers'),
    out: text(`.cache/${name}`, '<folder>', 'where the results are written'),
  };
}

export type CommonOptions = Values<ReturnType<typeof commonOptions>>;

export function initialValues<S extends Specs>(specs: S): Values<S> {
  return valuesOf(specs, () => undefined);
}

/** @returns the options, or 'help' where help was asked for */
export function parseOptions<S extends Specs>(
  specs: S,
  args: readonly string[],
): Values<S> | 'help' {
  const given = parseStrings(Object.keys(specs), args);
  if (given['help'] === true) return 'help';
  return valuesOf(specs, (name) => given[name] as string | undefined);
}

function valuesOf<S extends Specs>(
  specs: S,
  given: (name: string) => string | undefined,
): Values<S> {
  const entries = Object.entries(specs).map(([name, spec]) => {
    const value = given(name);
    return [name, value === undefined ? spec.initial : spec.parse(value, name)];
  });
  return Object.fromEntries(entries) as Values<S>;
}

function parseStrings(
  names: readonly string[],
  args: readonly string[],
): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(names.map((name) => [name, {type: 'string'} as const]));
  try {
    return parseArgs({
      args: [...args],
      options: {...options, help: {type: 'boolean', short: 'h'}},
    }).values;
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}

/** The text that `--help` prints. */
export function helpText(about: string, usage: string, specs: Specs): string {
  const rows = Object.entries(specs).map(([name, {placeholder, help, initial}]) => [
    `--${name} ${placeholder}`,
    `${help} (default ${String(initial)})`,
  ]);
  rows.push(['--help', 'this text']);
  const width = Math.max(...rows.map(([option]) => option!.length));
  const lines = rows.map(([option, help]) => `  ${option!.padEnd(width)}   ${help}`);
  return `${about}

Usage: ${usage} [options]

${lines.join('\n')}

Ctrl-C ends the work after the step in progress; the results of what was done are written as usual.
`;
}
