// The steps of a process: each is one call of the store, of a queue or of the outside world, named after its move. A
// process is always before one of them; a crash comes before a step or after it, never inside.

export const STEP = {
  idle: 0,
  // Slots and queue: slots.ts.
  takeSlot: 1,
  putInQueue: 2,
  markQueued: 3,
  // A slice: claim.ts, slice.ts.
  claim: 4,
  load: 5,
  putOpeningEntry: 6,
  record: 7,
  runEffect: 8,
  putOutputs: 9,
  flip: 10,
  // The end of a slice, and the promotion of another run: slots.ts.
  leaveQueue: 11,
  giveSlot: 12,
  readHead: 13,
  placeHead: 14,
  removeHead: 15,
  enqueueHead: 16,
  clearQueued: 17,
  // Deliveries: deliveries.ts.
  readRun: 18,
  attempt: 19,
  recordAttempts: 20,
  enqueueDeliveries: 21,
  // canceller.ts and signals.ts.
  requestCancel: 22,
  suspend: 23,
  reloadSignals: 24,
} as const;

export type StepName = keyof typeof STEP;
export type Step = (typeof STEP)[StepName];

/** A promotion is under way from reading the head of the queue until `queued` is cleared. */
export const isPromoting = (step: number): boolean => step >= STEP.readHead && step <= STEP.clearQueued;
