'use strict';

// `console`, as the function sees it: every call becomes one record, in AWS's text or JSON form.

const fs = require('node:fs');
const { format } = require('node:util');
const { asError, errorLine } = require('./errors.cjs');

const STDOUT = 1;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const METHODS = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR' };
const RETRY_MS = 1;

function stackLines(error) {
  return typeof error.stack === 'string' ? error.stack.split('\n') : [];
}

function describeError(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: stackLines(error),
  };
}

function describeErrors(_key, value) {
  return value instanceof Error ? { ...describeError(value), ...value } : value;
}

function textRecord({ time, requestId, level, values }) {
  return `${time}\t${requestId}\t${level}\t${format(...values)}`;
}

function jsonRecord({ time, requestId, level, values }) {
  const record = { timestamp: time, level, requestId };
  if (values.length === 1) {
    try {
      return JSON.stringify({ ...record, message: values[0] }, describeErrors);
    } catch {
      // A BigInt or a circle: said in words instead.
      return JSON.stringify({ ...record, message: format(values[0]) });
    }
  }
  const error = values.find((value) => value instanceof Error);
  return JSON.stringify({ ...record, message: format(...values), ...(error && describeError(error)) });
}

// stdout is a pipe. `process.stdout` would cost its start-up and could still hold the record when the process exits;
// but once the function has touched that one, the pipe is non-blocking, and full means wait.
function writeAll(bytes) {
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += fs.writeSync(STDOUT, bytes, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

class Logger {
  /** The id that records carry; `undefined`, as on AWS, until the first invocation. */
  requestId = undefined;
  #json;
  #threshold;

  constructor({ format: form, level }) {
    this.#json = form?.toUpperCase() === 'JSON';
    this.#threshold = Math.max(0, LEVELS.indexOf(level?.toUpperCase()));
  }

  /** Replace the console's methods; what is below the level goes nowhere. `console.fatal` is AWS's own addition. */
  takeOver(target) {
    for (const [method, level] of Object.entries(METHODS)) {
      const wanted = LEVELS.indexOf(level) >= this.#threshold;
      target[method] = wanted ? (...values) => this.#write(level, values) : () => {};
    }
    target.fatal = (...values) => this.#write('FATAL', values);
  }

  /** An error that ended an invocation or the process, at level ERROR; `headline` is for the text form. */
  logFailure(headline, thrown) {
    const error = asError(thrown);
    // Through the console, so that the function's own patch of it (a tracer's, a test's) sees failures too.
    console.error(...(this.#json ? [error] : [headline, `\t${errorLine(error)}`]));
  }

  #write(level, values) {
    const record = { time: new Date().toISOString(), requestId: this.requestId, level, values };
    const line = this.#json ? jsonRecord(record) : textRecord(record);
    // One record is one line of the stream: CloudWatch shows \r as a line break within an event.
    writeAll(Buffer.from(`${line.replaceAll('\n', '\r')}\n`));
  }
}

module.exports = { Logger };
