import {family, run} from './rule.js';

/** Strings: what works string by string is mapped; the others give as many strings as there are in the text. */
export const strings = family({
  StaticRegexReplace: {
    batch: ({x}, attrs) => run('StaticRegexReplace', {x: x.value}, attrs),
    derivative: 'zero',
  },

  StringToHashBucketFast: {
    batch: ({input}, attrs) => run('StringToHashBucketFast', {input: input.value}, attrs),
    derivative: 'zero',
  },

  StringSplit: {
    batch: {
      refuse:
        'How many parts there are depends on the strings. Split outside vmap, and map over what comes of it, padded to one length.',
    },
    derivative: 'zero',
  },

  StringNGrams: {
    batch: {
      refuse:
        'How many n-grams there are depends on values (dataSplits). Make them outside vmap, and map over what comes of it, padded ' +
        'to one length.',
    },
    derivative: 'zero',
  },
});
