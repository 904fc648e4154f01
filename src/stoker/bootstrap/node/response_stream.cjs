'use strict';

// Streamed answers as functions see them: the stream that a handler writes to, and the global `awslambda`.

const { Writable } = require('node:stream');

// The marks that AWS's own library leaves on a streaming handler.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const DEFAULT_TYPE = 'application/octet-stream';
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8);

class InvalidStreamingOperation extends Error {
  get name() {
    return 'Runtime.InvalidStreamingOperation';
  }
}

/** Writes to `target`, which a transport opened for one invocation; nothing is sent before the first write. */
class ResponseStream extends Writable {
  #target;
  #contentType = DEFAULT_TYPE;
  #begun = false;

  constructor(target, highWaterMark) {
    super({ decodeStrings: true, ...(highWaterMark !== undefined && { highWaterMark }) });
    this.#target = target;
  }

  get begun() {
    return this.#begun;
  }

  setContentType(type) {
    if (this.#begun) {
      throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    }
    this.#contentType = type;
  }

  /** As a Writable's, but what is neither text nor bytes is written as JSON. */
  write(chunk, ...rest) {
    const plain = typeof chunk === 'string' || chunk instanceof Uint8Array;
    this.#begin();
    return super.write(plain ? chunk : JSON.stringify(chunk), ...rest);
  }

  end(chunk, ...rest) {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') {
      this.#begin();
      return super.end(chunk, ...rest);
    }
    const isCallback = (each) => typeof each === 'function';
    this.write(chunk, ...rest.filter((each) => !isCallback(each)));
    return super.end(...rest.filter(isCallback));
  }

  _write(chunk, _encoding, done) {
    this.#target.write(chunk, done);
  }

  _final(done) {
    this.#target.end(done);
  }

  #begin() {
    if (this.#begun) {
      return;
    }
    this.#begun = true;
    this.#target.begin(this.#contentType);
    this._onBeforeFirstWrite?.((chunk) => super.write(chunk));
  }
}

const HttpResponseStream = {
  /** The same stream, with the status, headers and cookies of an HTTP answer ahead of its body. */
  from(stream, metadata) {
    stream.setContentType(PRELUDE_TYPE);
    const prelude = JSON.stringify(metadata);
    stream._onBeforeFirstWrite = (write) => {
      write(prelude);
      write(PRELUDE_END);
    };
    return stream;
  },
};

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') {
    handler[HIGH_WATER_MARK] = options.highWaterMark;
  }
  return handler;
}

function isStreaming(handler) {
  return handler[STREAMING] === 'response';
}

function highWaterMarkOf(handler) {
  return handler[HIGH_WATER_MARK];
}

/** Before the function is loaded: its first line may need it. */
function install(global) {
  global.awslambda = { ...global.awslambda, streamifyResponse, HttpResponseStream };
}

module.exports = { ResponseStream, highWaterMarkOf, install, isStreaming };
