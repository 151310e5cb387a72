import {runProgram} from '../common/program.js';
import {demo} from './demo.js';

await runProgram(demo);
