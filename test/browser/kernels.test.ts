// The table of kernel samples, in the browser.
import '../kernels/kernels.test.js';
import '../kernels/ranks.test.js';
