'use strict';

// Errors as the Runtime API and the log show them, and the ones that the runtime itself raises.

const { types } = require('node:util');

class RuntimeError extends Error {
  get name() {
    return `Runtime.${this.constructor.name}`;
  }
}

class HandlerNotFound extends RuntimeError {}
class MalformedHandlerName extends RuntimeError {}
class ImportModuleError extends RuntimeError {}

class UserCodeSyntaxError extends RuntimeError {
  constructor(error) {
    super(error);
    // The parser's own stack names the file and the line.
    this.stack = error.stack;
  }
}

class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super(String(reason));
    this.reason = reason;
    this.promise = promise;
  }
}

class NodeJsExit extends RuntimeError {
  constructor() {
    super(
      'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise'
      + ' that was never settled. For more information, see'
      + ' https://nodejs.org/docs/latest/api/process.html#exit-codes',
    );
  }
}

// Errors of another realm (`vm`, jest) are no instance of this realm's Error.
function looksLikeError(value) {
  return types.isNativeError(value)
    || ['name', 'message', 'stack'].every((member) => typeof value?.[member] === 'string' && value[member] !== '');
}

/**
 * What the caller of a failed invocation gets: `{errorType, errorMessage, trace}`. Never throws, whatever was thrown
 * at it: a getter of the function's own error class may.
 */
function errorPayload(error) {
  try {
    if (looksLikeError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of'
        + ' its message, name, and stack',
    };
  }
}

/** What was thrown, or an Error that says it. */
function asError(thrown) {
  return thrown instanceof Error ? thrown : new Error(errorPayload(thrown).errorMessage);
}

// JSON leaves out what an Error keeps in non-enumerable members; a log without them is of no use.
function withHiddenMembers(_key, value) {
  if (!(value instanceof Error)) {
    return value;
  }
  const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  return typeof value.stack === 'string' ? { ...shown, stack: value.stack.split('\n') } : shown;
}

/** One line of JSON for the text log, with whatever further members the error has. */
function errorLine(error) {
  try {
    return JSON.stringify(error, withHiddenMembers);
  } catch {
    return JSON.stringify(errorPayload(error));
  }
}

module.exports = {
  HandlerNotFound,
  ImportModuleError,
  MalformedHandlerName,
  NodeJsExit,
  UnhandledPromiseRejection,
  UserCodeSyntaxError,
  asError,
  errorLine,
  errorPayload,
};
