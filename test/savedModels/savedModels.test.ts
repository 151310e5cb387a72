import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs';
import {expect} from 'chai';
import {describeBackends} from '../backends.js';
import {cases} from './cases.js';
import {exportCase} from './exported.js';

/** What check.py has written. */
interface Checked {
  readonly tensorflow: string;
  readonly digests: Readonly<Record<string, string>>;
}

const {tensorflow, digests} = JSON.parse(
  readFileSync('test/savedModels/checked.json', 'utf8'),
) as Checked;

describeBackends(
  `SavedModels, byte for byte as Python’s TensorFlow ${tensorflow} has run them`,
  () => {
    let directory: string;
    before(() => (directory = mkdtempSync(path.join(tmpdir(), 'savedModels-'))));
    after(() => rmSync(directory, {recursive: true}));

    for (const each of cases()) {
      const checked = digests[each.name];
      // What was added since is pending until check.py has run it; so is what no graph can hold.
      const declare = checked === undefined ? it.skip : it;
      declare(each.name, () => {
        const digests: string[] = [];
        exportCase(each, directory, ({digest}) => void digests.push(digest));
        expect(digests, 'run check.py again').to.deep.equal([checked]);
      });
    }

    it('are mostly checked', () => {
      const names = cases().map(({name}) => name);
      const share = names.filter((name) => name in digests).length / names.length;
      expect(share).to.be.greaterThan(0.9);
    });
  },
  {only: ['tensorflow']},
);
