import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setImmediate} from 'node:timers/promises';
import {SingleBar} from 'cli-progress';
import {startBackend} from './backend.js';
import {
  commonOptions,
  helpText,
  parseOptions,
  type CommonOptions,
  type Specs,
  type Values,
} from './options.js';
import {UserError} from './user-error.js';

/** A demo: what can be chosen, and what it does. */
export interface Demo<S extends Specs> {
  /** The name of its folder. */
  readonly name: string;
  /** What it does, in a line. */
  readonly about: string;
  /** Its options beside those that every demo has. */
  readonly options: S;
  /** How it is started, if not by its `main.ts`. */
  readonly usage?: string;
  /** Does the work, on the backend that has been started. All tensors that it makes are its own. */
  run(options: DemoOptions<S>, progress: Progress): Promise<Outcome>;
}

export type DemoOptions<S extends Specs> = Values<S> & CommonOptions;

export interface Progress {
  /** Begins a stretch of work of so many steps, with a line that says what it is. */
  start(steps: number, headline: string): void;
  /**
   * One step is done. Signals and the terminal have their turn.
   * @param note  how things stand
   * @returns  false once the user wants to stop
   */
  step(note?: string): Promise<boolean>;
}

/** What comes out of a demo: lines to print, and files by name. */
export interface Outcome {
  readonly summary: readonly string[];
  readonly files: Readonly<Record<string, string | Buffer>>;
}

/** What Ctrl-C twice exits with: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/** Runs a demo as a program of its own, with the arguments of the command line. */
export async function runProgram<S extends Specs>(demo: Demo<S>): Promise<void> {
  const {name, about, usage = `npm run demo -- ${name}`} = demo;
  const specs = {...demo.options, ...commonOptions(name)};
  try {
    const options = parseOptions(specs, process.argv.slice(2));
    if (options === 'help') console.log(helpText(about, usage, specs));
    else await demonstrate(demo, options as DemoOptions<S>);
  } catch (error) {
    const explained = error instanceof UserError;
    console.error(explained ? `${error.message}\nSee --help for the options.` : error);
    process.exitCode = explained ? 2 : 1;
  }
}

async function demonstrate<S extends Specs>(demo: Demo<S>, options: DemoOptions<S>): Promise<void> {
  makeFolder(options.out); // before the work, not after it
  const backend = await startBackend(options.backend);
  const {summary, files} = await withTerminal((progress) =>
    demo.run({...options, backend}, progress),
  );
  console.log(`\n${summary.join('\n')}`);
  const paths = Object.entries(files).map(([name, content]) => {
    const path = join(options.out, name);
    writeFileSync(path, content);
    return path;
  });
  console.log(`\nWritten:\n${paths.map((path) => `  ${path}`).join('\n')}`);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, {recursive: true});
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`--out: no folder can be made there: ${why}`);
  }
}

/** Shows progress as a bar, and takes Ctrl-C as the wish to stop; a second one ends the program. */
async function withTerminal<T>(work: (progress: Progress) => Promise<T>): Promise<T> {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} | {note}{eta_formatted} left',
    barsize: 24,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    // This program stops by itself on Ctrl-C.
    gracefulExit: false,
  });
  const interruption = new AbortController();
  const onInterrupt = (): void => {
    if (interruption.signal.aborted) {
      bar.stop(); // shows the cursor again
      process.exit(INTERRUPTED);
    }
    interruption.abort();
  };
  process.on('SIGINT', onInterrupt);
  try {
    return await work({
      start(steps, headline) {
        if (bar.isActive) bar.stop();
        console.log(headline);
        bar.start(steps, 0, {note: ''});
      },
      async step(note) {
        bar.increment(1, note === undefined ? {} : {note: `${note} | `});
        await setImmediate();
        return !interruption.signal.aborted;
      },
    });
  } finally {
    if (bar.isActive) bar.stop();
    process.off('SIGINT', onInterrupt);
  }
}
