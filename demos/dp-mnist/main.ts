import {SingleBar} from 'cli-progress';
import {confusionMatrix} from './evaluate.js';
import {help, parseOptions, type Options} from './options.js';
import {
  confusionTable,
  makeFolder,
  showEpsilon,
  showPercent,
  summary,
  writeResults,
} from './report.js';
import {DELTA, run, type Progress} from './run.js';
import {UserError} from './user-error.js';

/** What Ctrl-C twice exits with: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(help);
  else await demonstrate(options);
} catch (error) {
  const explained = error instanceof UserError;
  console.error(explained ? `${error.message}\nSee --help for the options.` : error);
  process.exitCode = explained ? 2 : 1;
}

async function demonstrate(options: Options): Promise<void> {
  makeFolder(options.out); // before the work, not after it
  const bar = progressBar();
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
    const results = await run(options, interruption.signal, {
      onPlan({backend, steps, parameters, epsilon}) {
        console.log(
          `Training the ${options.model} (${parameters} parameters) on ${backend}: ${steps} steps of about ${options.batch} digits,\n` +
            `which will spend ε = ${showEpsilon(epsilon)} at δ = ${DELTA}. Ctrl-C stops.`,
        );
        bar.start(steps, 0, {loss: '–', accuracy: '–', epsilon: showEpsilon(0)});
      },
      onStep: (progress) => bar.update(progress.step, show(progress)),
    });
    bar.stop();
    const paths = writeResults(options, results);
    const {test, evaluation} = results;
    console.log(`\n${summary(results)}\n`);
    console.log(confusionTable(confusionMatrix(test.labels, evaluation.predictions)));
    console.log(`\nWritten:\n${paths.map((path) => `  ${path}`).join('\n')}`);
  } finally {
    if (bar.isActive) bar.stop();
    process.off('SIGINT', onInterrupt);
  }
}

function progressBar(): SingleBar {
  return new SingleBar({
    format:
      '{bar} {value}/{total} | loss {loss} | accuracy {accuracy} | ε {epsilon} | {eta_formatted} left',
    barsize: 24,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    // This program stops by itself on Ctrl-C.
    gracefulExit: false,
  });
}

function show({loss, accuracy, epsilon}: Progress): Record<string, string> {
  return {
    loss: loss.toFixed(3),
    accuracy: showPercent(accuracy),
    epsilon: showEpsilon(epsilon),
  };
}
