/** Must be imported before tfjs's test files: they call `describe`, `it` and `expect` as they are loaded. */
import {installGlobals} from 'jasmine-core';

installGlobals();
