'use strict';

// One event in a handler's hands: its context, and the first of its answers.

function parseOptional(text, name) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function serialize(result) {
  let body;
  try {
    body = JSON.stringify(result);
  } catch {
    throw new Error('Unable to stringify response body');
  }
  // A function or a symbol has no JSON either.
  return body ?? 'null';
}

/** What every handler's context has. */
function contextOf(event) {
  const environment = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseOptional(event.clientContext, 'ClientContext'),
    identity: parseOptional(event.identity, 'CognitoIdentity'),
    invokedFunctionArn: event.arn,
    awsRequestId: event.id,
    getRemainingTimeInMillis: () => event.deadlineMs - Date.now(),
  };
}

/**
 * `running`, then perhaps `waiting` (the callback has given a result, and the event loop has to run empty before it
 * is sent), then `over`. Only the first answer counts, as on AWS.
 *
 * `finish` is called once, with `{ body }` (JSON text) or `{ error }`.
 */
class Invocation {
  #event;
  #finish;
  #state = 'running';
  #result;
  #context;

  constructor(event, finish) {
    this.#event = event;
    this.#finish = finish;
  }

  get id() {
    return this.#event.id;
  }

  /** Call the handler. Everything it can throw at us, a bad payload included, ends the invocation. */
  run(handler) {
    try {
      const result = handler(JSON.parse(this.#event.payload), this.#makeContext(), this.#callback);
      if (typeof result?.then === 'function') {
        result.then(this.#succeed, this.#fail);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The event loop has nothing left to do. `neverSettled` makes the error for a handler that hasn't answered. */
  loopIsEmpty(neverSettled) {
    if (this.#state === 'waiting') {
      this.#respond(this.#result);
    } else if (this.#state === 'running') {
      if (neverSettled === undefined) {
        this.#respond(null);
      } else {
        this.#end({ error: neverSettled() });
      }
    }
  }

  /** Nothing that the handler does from now on counts. */
  abandon() {
    this.#state = 'over';
  }

  #callback = (error, result) => {
    if (this.#state !== 'running') {
      return;
    }
    if (error !== undefined && error !== null) {
      this.#end({ error });
    } else if (this.#context.callbackWaitsForEmptyEventLoop) {
      this.#state = 'waiting';
      this.#result = result;
    } else {
      this.#respond(result);
    }
  };

  #succeed = (result) => {
    if (this.#state === 'running') {
      this.#respond(result);
    }
  };

  #fail = (error) => {
    if (this.#state === 'running') {
      this.#end({ error: error ?? 'handled' });
    }
  };

  #done = (error, result) => {
    if (error === undefined || error === null) {
      this.#succeed(result);
    } else {
      this.#fail(error);
    }
  };

  #respond(result) {
    let outcome;
    try {
      outcome = { body: serialize(result) };
    } catch (error) {
      outcome = { error };
    }
    this.#end(outcome);
  }

  #end(outcome) {
    this.#state = 'over';
    this.#finish(outcome);
  }

  #makeContext() {
    this.#context = {
      ...contextOf(this.#event),
      succeed: this.#succeed,
      fail: this.#fail,
      done: this.#done,
    };
    return this.#context;
  }
}

module.exports = { Invocation, contextOf };
