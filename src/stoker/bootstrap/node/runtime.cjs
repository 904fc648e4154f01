'use strict';

// The loop from event to answer, and what ends the process: this is the file to read first.
//
// It speaks to the platform through a transport, of which there are two (frame_channel.cjs, http_runtime_api.cjs):
//   start(onEvent)              init is over; ask for the first event
//   respond(id, body)           an invocation's JSON result; asks for the next event
//   fail(id, type, body)        an invocation's JSON error; asks for the next event
//   openStream(id)              for an answer in pieces: {begin(type), write(bytes, done), end(done), fail(type, body)};
//                               none of them asks for the next event
//   next()                      ask for it
//   lastWords(id, type, body, done)  the error of invocation `id`, or of init when that is undefined; nothing more is
//                               asked for, and `done` is called when it is written
// An event is {id, deadlineMs, arn, traceId, clientContext, identity, payload}, the last as JSON text. Between an event
// and its answer a transport must not keep the event loop alive: an empty loop is how a callback handler ends.

const { NodeJsExit, UnhandledPromiseRejection, errorPayload } = require('./errors.cjs');
const { Invocation } = require('./invocation.cjs');
const { ResponseStream, highWaterMarkOf, isStreaming } = require('./response_stream.cjs');
const { StreamingInvocation } = require('./streaming_invocation.cjs');

// The exit codes of AWS's runtime.
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

function isAsyncFunction(handler) {
  return handler.constructor?.name === 'AsyncFunction';
}

class Runtime {
  #transport;
  #logger;
  #handler;
  #neverSettled;
  #current;
  #ending = false;

  constructor({ transport, logger }) {
    this.#transport = transport;
    this.#logger = logger;
  }

  /** The function's own init begins: for those who watch. Over HTTP there is no word for it. */
  importing() {
    this.#transport.importing?.();
  }

  /** Answer for what nobody catches. Before the function's code is loaded, since that may throw already. */
  watch(process) {
    process.on('uncaughtException', (error) => this.#crash('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION));
    process.on('unhandledRejection', (reason, promise) => this.#crash(
      'Unhandled Promise Rejection',
      new UnhandledPromiseRejection(reason, promise),
      EXIT_UNHANDLED_REJECTION,
    ));
    process.on('beforeExit', () => this.#current?.loopIsEmpty(this.#neverSettled));
  }

  serve(handler) {
    this.#handler = handler;
    this.#neverSettled = isAsyncFunction(handler) ? () => new NodeJsExit() : undefined;
    this.#transport.start((event) => this.#invoke(event));
  }

  #invoke(event) {
    this.#logger.requestId = event.id;
    if (event.traceId === undefined) {
      delete process.env._X_AMZN_TRACE_ID;
    } else {
      process.env._X_AMZN_TRACE_ID = event.traceId;
    }
    this.#current = isStreaming(this.#handler)
      ? this.#stream(event)
      : new Invocation(event, (outcome) => this.#answer(event.id, outcome));
    this.#current.run(this.#handler);
  }

  #stream(event) {
    const target = this.#transport.openStream(event.id);
    const stream = new ResponseStream(target, highWaterMarkOf(this.#handler));
    return new StreamingInvocation(event, stream, ({ error }) => {
      if (error === undefined) {
        this.#current = undefined;
        this.#transport.next();
      } else if (!stream.begun) {
        this.#answer(event.id, { error });
      } else {
        this.#current = undefined;
        this.#logger.logFailure('Invoke Error', error);
        const payload = errorPayload(error);
        if (!stream.writableEnded) {
          target.fail(payload.errorType, JSON.stringify(payload));
        }
        this.#transport.next();
      }
    });
  }

  #answer(id, { body, error }) {
    this.#current = undefined;
    if (body !== undefined) {
      this.#transport.respond(id, body);
      return;
    }
    this.#logger.logFailure('Invoke Error', error);
    const payload = errorPayload(error);
    this.#transport.fail(id, payload.errorType, JSON.stringify(payload));
  }

  #crash(headline, error, code) {
    this.#logger.logFailure(headline, error);
    if (this.#ending) {
      return;
    }
    this.#ending = true;
    const invocation = this.#current;
    invocation?.abandon();
    if (this.#handler !== undefined && invocation === undefined) {
      // Left-over work of an earlier invocation, which has had its answer.
      process.exit(code);
    }
    const payload = errorPayload(error);
    this.#transport.lastWords(invocation?.id, payload.errorType, JSON.stringify(payload), () => process.exit(code));
  }
}

module.exports = { Runtime };
