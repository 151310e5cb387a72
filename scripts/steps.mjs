/** Runs the project's tools one after the other, a line each, and counts what passed. */
import {spawn, spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {root} from './setup.mjs';

/** What `npm run check` runs, and `npm test` before the tests. */
export const checks = {
  types: 'tsc',
  'lint, import direction, cycles': 'eslint . --max-warnings=0',
  format: 'prettier . --check --log-level=warn',
  'dead code': 'knip --no-config-hints',
};

const options = (env) => ({
  cwd: root,
  shell: true,
  env: {
    ...process.env,
    PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
    TF_CPP_MIN_LOG_LEVEL: '2', // tfjs-node's native library reports every CPU feature otherwise
    ...env,
  },
});

/** Runs a command line of an installed tool in this terminal; gives its exit code. */
export function runTool(command, env) {
  return spawnSync(command, {...options(env), stdio: 'inherit'}).status ?? 1;
}

const secondsSince = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

function show(command, env) {
  return new Promise((resolve) => {
    spawn(command, {...options(env), stdio: 'inherit'}).on('close', (code) => resolve(code ?? 1));
  });
}

function capture(command, env) {
  return new Promise((resolve) => {
    const child = spawn(command, {...options(env), stdio: ['ignore', 'pipe', 'pipe']});
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    child.on('close', (code) => resolve({code, output}));
  });
}

export class Tally {
  #passed = 0;
  #failed = 0;

  record(ok, what) {
    if (ok) this.#passed++;
    else this.#failed++;
    console.log(`  ${ok ? '✔' : '✘'} ${what}`);
  }

  /** A tool that passes or fails as a whole: one check. Its output is shown where it fails. */
  async check(name, command) {
    const start = performance.now();
    const {code, output} = await capture(command);
    this.record(code === 0, `${name}  ${secondsSince(start)}`);
    if (code !== 0) console.log(output);
    return code === 0;
  }

  /**
   * Tests that write `{passed, failed}` to the file that RESULTS names. They show their own progress, or, captured, all of it at the end, so
   * that two suites can run at once.
   */
  async suite(name, command, env, output = 'shown') {
    const folder = mkdtempSync(join(tmpdir(), 'tfjs-functorch-'));
    const file = join(folder, 'results.json');
    const given = {...env, RESULTS: file};
    const start = performance.now();
    if (output === 'shown') console.log(`\n${name}`);
    try {
      const {code, output: text} =
        output === 'shown' ? {code: await show(command, given)} : await capture(command, given);
      if (output !== 'shown') console.log(`\n${name}\n${text}`);
      const {passed, failed} = JSON.parse(readFileSync(file, 'utf8'));
      console.log(`  ${name}: ${passed} passed, ${failed} failed, ${secondsSince(start)}`);
      this.#passed += passed;
      this.#failed += failed;
      if (code !== 0 && failed === 0) this.record(false, `${command}: exit code ${code}`);
    } catch {
      this.record(false, `${command}: ended without a result`);
    } finally {
      rmSync(folder, {recursive: true});
    }
  }

  /** Prints the last line and sets the exit code. */
  end() {
    console.log(`\n${this.#passed} passed, ${this.#failed} failed`);
    process.exitCode = this.#failed === 0 ? 0 : 1;
  }
}
