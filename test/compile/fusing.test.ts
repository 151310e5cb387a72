import {expect} from 'chai';
import {fusingCompiler, optimize} from '../../src/compile/index.js';
import {makeFx} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {Random} from '../support/random.js';
import {randomProgram} from './randomProgram.js';
import {expectClose, tidied} from './support.js';

const PROGRAMS = 30;

describeBackends(
  'fusion of random programs',
  () => {
    for (const kernels of [6, 15, 40]) {
      it(
        `${PROGRAMS} programs of ${kernels} kernels give what tfjs gives, in groups`,
        tidied((own) => {
          let groups = 0;
          for (let seed = 0; seed < PROGRAMS; seed++) {
            const random = new Random(`fusing ${kernels} ${seed}`);
            const {f, inputs} = randomProgram(random, kernels);
            const captured = own(makeFx(f)(inputs));
            const wanted = f(inputs);
            for (const graph of [captured.graph, own(optimize(captured.graph))]) {
              const compiled = fusingCompiler()(graph);
              groups += compiled.lowered.steps.filter(({code}) => code !== null).length;
              expectClose(compiled(inputs), wanted, 2e-4);
            }
          }
          expect(groups).to.be.greaterThan(PROGRAMS);
        }),
      ).timeout(60_000);
    }
  },
  {only: ['wasm']},
);
