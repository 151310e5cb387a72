import {compiled} from './compiled.js';
import {ensemble} from './ensemble.js';
import {hessians} from './hessian.js';
import {jacobians} from './jacobian.js';
import {maml} from './maml.js';
import {perExampleCnn} from './perExampleCnn.js';
import {perExampleConvolution} from './perExampleConvolution.js';
import {perExampleMlp} from './perExampleMlp.js';
import type {Row} from './row.js';
import {scalarGrad, scalarInstalled, scalarSecondOrder, scalarVmap} from './scalar.js';

export const rows: readonly Row[] = [
  perExampleMlp,
  perExampleCnn,
  perExampleConvolution,
  ensemble,
  ...jacobians,
  hessians,
  scalarGrad,
  scalarInstalled,
  scalarVmap,
  scalarSecondOrder,
  maml,
  ...compiled,
];
