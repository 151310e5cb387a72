/** One line per test file, then the failures. Writes `{passed, failed, skipped}` to the file that RESULTS names. */
const {writeFileSync} = require('node:fs');
const {relative} = require('node:path');
const {Base} = require('mocha/lib/reporters/index.js');

const SHOWN_FAILURES = 40;
const SHOWN_FRAMES = 6;

module.exports = class extends Base {
  constructor(runner, options) {
    super(runner, options);
    let current = null;

    const finish = () => {
      if (current === null) return;
      const {file, pass, fail, pending, start} = current;
      const counts = [`${pass} passed`];
      if (fail > 0) counts.push(`${fail} failed`);
      if (pending > 0) counts.push(`${pending} skipped`);
      const seconds = ((Date.now() - start) / 1000).toFixed(1);
      console.log(`  ${fail > 0 ? '✘' : '✔'} ${file}  ${counts.join(', ')}  ${seconds} s`);
      current = null;
    };
    const count = (kind) => (test) => {
      const file = test.file ? relative(process.cwd(), test.file) : 'hooks';
      if (current?.file !== file) {
        finish();
        current = {file, pass: 0, fail: 0, pending: 0, start: Date.now() - (test.duration ?? 0)};
      }
      current[kind]++;
    };

    for (const kind of ['pass', 'fail', 'pending']) runner.on(kind, count(kind));
    runner.on('fail', (_test, error) => {
      const [message, ...frames] = (error.stack ?? '').split(/\n +at /);
      error.stack = [message, ...frames.slice(0, SHOWN_FRAMES)].join('\n    at ');
    });
    runner.on('end', () => {
      finish();
      const {passes, failures, pending} = this.stats;
      if (failures > 0) Base.list(this.failures.slice(0, SHOWN_FAILURES));
      if (failures > SHOWN_FAILURES) console.log(`  … ${failures - SHOWN_FAILURES} more failures`);
      if (process.env.RESULTS) {
        const results = {passed: passes, failed: failures, skipped: pending};
        writeFileSync(process.env.RESULTS, JSON.stringify(results));
      }
    });
  }
};
