'use strict';

// The transport for anywhere else: AWS's Runtime API over HTTP, version 2018-06-01.

const http = require('node:http');

const BASE = '/2018-06-01/runtime';
const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';
// A response over the size limit: the platform has answered for the function by then.
const ACCEPTED = [200, 202, 413];

// A platform that refuses or is not there: an uncaught exception, which ends the process.
function raise(error) {
  throw error;
}

function eventOf(headers, payload) {
  return {
    id: headers['lambda-runtime-aws-request-id'],
    deadlineMs: Number(headers['lambda-runtime-deadline-ms']),
    arn: headers['lambda-runtime-invoked-function-arn'],
    traceId: headers['lambda-runtime-trace-id'],
    clientContext: headers['lambda-runtime-client-context'],
    identity: headers['lambda-runtime-cognito-identity'],
    payload,
  };
}

class HttpRuntimeApi {
  #host;
  #port;
  // One connection, kept: an idle one does not hold the event loop.
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #onEvent;

  constructor(address) {
    [this.#host, this.#port] = address.split(':');
  }

  start(onEvent) {
    this.#onEvent = onEvent;
    this.next();
  }

  respond(id, body) {
    this.#post(`/invocation/${encodeURIComponent(id)}/response`, body, {}, () => this.next());
  }

  fail(id, type, body) {
    const headers = { [ERROR_TYPE]: encodeURI(type) };
    this.#post(`/invocation/${encodeURIComponent(id)}/error`, body, headers, () => this.next());
  }

  openStream(id) {
    let request;
    let ended;
    return {
      begin: (type) => {
        const path = `${BASE}/invocation/${encodeURIComponent(id)}/response`;
        const headers = {
          'Content-Type': type,
          'Lambda-Runtime-Function-Response-Mode': 'streaming',
          'Transfer-Encoding': 'chunked',
          Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
        };
        const where = { host: this.#host, port: this.#port, agent: this.#agent, method: 'POST', path, headers };
        request = http.request(where, (response) => {
          response.resume();
          response.on('end', () => ended?.());
        }).on('error', raise);
      },
      write: (bytes, done) => (bytes.length === 0 ? done() : request.write(bytes, done)),
      end: (done) => {
        ended = done;
        request.end();
      },
      fail: (type, body) => {
        request.addTrailers({ [ERROR_TYPE]: encodeURI(type), [ERROR_BODY]: Buffer.from(body).toString('base64') });
        request.end();
      },
    };
  }

  lastWords(id, type, body, done) {
    const path = id === undefined ? '/init/error' : `/invocation/${encodeURIComponent(id)}/error`;
    // Last words that nobody takes are no reason to stay.
    this.#post(path, body, { [ERROR_TYPE]: encodeURI(type) }, done, done);
  }

  next() {
    this.#request({ method: 'GET', path: '/invocation/next' }, undefined, (headers, payload) => {
      this.#onEvent(eventOf(headers, payload));
    });
  }

  #post(path, body, headers, done, failed = raise) {
    const length = Buffer.byteLength(body);
    const all = { 'Content-Type': 'application/json', 'Content-Length': length, ...headers };
    this.#request({ method: 'POST', path, headers: all }, body, done, failed);
  }

  #request({ method, path, headers }, body, done, failed = raise) {
    const where = { host: this.#host, port: this.#port, agent: this.#agent, method, path: BASE + path, headers };
    http.request(where, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        if (ACCEPTED.includes(response.statusCode)) {
          done(response.headers, text);
        } else {
          failed(new Error(`The Runtime API answered ${method} ${path} with ${response.statusCode}: ${text}`));
        }
      });
    }).on('error', failed).end(body);
  }
}

module.exports = { HttpRuntimeApi };
