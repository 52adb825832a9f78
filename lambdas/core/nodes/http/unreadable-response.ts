/** A response came, but it is not what the author asked for; `message` completes "the server answered, but ...". */
export class UnreadableResponse extends Error {}
