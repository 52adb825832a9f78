// What goes wrong in an execution, and what the service answers to a wrong request: both carry AWS's own names.

/** A state failed: `error` is what Retry and Catch compare, as in `States.Timeout`. */
export class StateFailure extends Error {
  readonly error: string;

  constructor(error: string, cause: string) {
    super(cause);
    this.name = 'StateFailure';
    this.error = error;
  }
}

/** A request that the service refuses; `type` is the name of the exception in the SDK. */
export class ServiceRefusal extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.name = 'ServiceRefusal';
    this.type = type;
  }
}
