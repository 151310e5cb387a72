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

    // Not here: what was added since check.py has run, and what no graph can hold.
    for (const each of cases().filter(({name}) => name in digests)) {
      it(each.name, () => {
        const written: string[] = [];
        exportCase(each, directory, ({digest}) => void written.push(digest));
        expect(written, 'run check.py again').to.deep.equal([digests[each.name]]);
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
