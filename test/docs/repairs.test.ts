import {execFileSync} from 'node:child_process';
import {expect} from 'chai';

describe('docs/repairs.md', () => {
  it('is what `npm run docs:repairs` makes of the code', () => {
    // In a process of its own: what tfjs lacks by itself shows only before the library is imported.
    const check = () =>
      execFileSync(process.execPath, ['--import', 'tsx', 'scripts/repairs.mjs', '--check'], {
        stdio: 'pipe',
        encoding: 'utf8',
      });
    expect(check).not.to.throw();
  }).timeout(60_000);
});
