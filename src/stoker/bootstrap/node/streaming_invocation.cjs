'use strict';

// One event in the hands of a handler that streams its answer.

const { NodeJsExit } = require('./errors.cjs');
const { contextOf } = require('./invocation.cjs');

/**
 * It is over when the handler has returned and its stream is finished, or at the first error of either.
 *
 * `finish` is called once, with `{}` or `{ error }`.
 */
class StreamingInvocation {
  #event;
  #stream;
  #finish;
  #returned = false;
  #over = false;

  constructor(event, stream, finish) {
    this.#event = event;
    this.#stream = stream;
    this.#finish = finish;
    stream.on('finish', () => this.#look());
    stream.on('error', this.#fail);
  }

  get id() {
    return this.#event.id;
  }

  run(handler) {
    try {
      const result = handler(JSON.parse(this.#event.payload), this.#stream, contextOf(this.#event));
      if (typeof result?.then !== 'function') {
        throw new Error('Streaming does not support non-async handlers.');
      }
      result.then(() => {
        this.#returned = true;
        this.#look();
      }, this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Nothing is left that could end it. */
  loopIsEmpty() {
    this.#fail(new NodeJsExit());
  }

  /** Nothing that the handler does from now on counts. */
  abandon() {
    this.#over = true;
  }

  #look() {
    if (this.#returned && this.#stream.writableFinished) {
      this.#end({});
    }
  }

  #fail = (error) => this.#end({ error: error ?? 'handled' });

  #end(outcome) {
    if (!this.#over) {
      this.#over = true;
      this.#finish(outcome);
    }
  }
}

module.exports = { StreamingInvocation };
