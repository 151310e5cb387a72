/** Something that the person at the terminal can put right: the message says how, and a stack would only hide it. */
export class UserError extends Error {}
