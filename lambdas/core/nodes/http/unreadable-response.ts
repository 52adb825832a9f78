/** An answer came, but it is not what the author asked for; `message` completes "the server answered, but ...". */
export class UnreadableAnswer extends Error {}
