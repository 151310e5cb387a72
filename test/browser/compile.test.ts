// Generated programs, in the browser.
import '../kernels/stock.js';
import '../compile/gpuPrograms.test.js';
import '../compile/gpuReductions.test.js';
