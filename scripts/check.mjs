/** `npm run check`: types, lint, format, dead code. */
import {installPackages} from './setup.mjs';
import {checks, Tally} from './steps.mjs';

installPackages();
const tally = new Tally();
for (const [name, command] of Object.entries(checks)) await tally.check(name, command);
tally.end();
