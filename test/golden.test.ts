import {expect} from 'chai';
import {describeBackends} from './backends.js';
import {batching} from './golden/batching.js';
import {complexNumbers} from './golden/complex.js';
import {control} from './golden/control.js';
import {conventions} from './golden/conventions.js';
import {derivatives} from './golden/derivatives.js';
import {checkGolden, readGoldens, type Program, type Programs} from './golden/golden.js';
import {jacobians} from './golden/jacobians.js';
import {kernels} from './golden/kernels.js';
import {networks} from './golden/networks.js';
import {operations} from './golden/operations.js';
import {science} from './golden/science.js';

/** Each family of cases: its values in `golden/<family>.json`, how Python made them in `.py`, the same in tfjs in `.ts`. */
const families: Readonly<Record<string, Programs>> = {
  derivatives,
  jacobians,
  networks,
  operations,
  conventions,
  batching,
  science,
  complex: complexNumbers,
  control,
  kernels,
};

for (const [family, programs] of Object.entries(families)) {
  const goldens = readGoldens(family);

  describe(`golden values › ${family}`, () => {
    it('has a program for each case and a case for each program', () => {
      expect(Object.keys(programs)).to.have.members(goldens.map(({name}) => name));
    });
  });

  describeBackends(`golden values of torch.func and JAX › ${family}`, () => {
    for (const golden of goldens) {
      it(golden.name, () => checkGolden(golden, programs[golden.name] as Program));
    }
  });
}
