'use strict';

// The transport of Stoker's own environments: frames on a socket inherited from the platform.

const { Socket } = require('node:net');
const {
  CHUNK, ERROR, EVENT, FrameReader, IMPORT, INIT_ERROR, NEXT, RESPONSE, STREAM, STREAM_END, encode, encodeHead,
} = require('./frames.cjs');

// A piece is read as a whole before it is passed on.
const CHUNK_BYTES = 65536;

function eventOf({ meta, body }) {
  return {
    id: meta.id,
    deadlineMs: meta.deadline_ms,
    arn: meta.arn,
    traceId: meta.trace_id ?? undefined,
    clientContext: meta.client_context ?? undefined,
    identity: meta.cognito_identity ?? undefined,
    payload: body,
  };
}

class FrameChannel {
  #socket;
  #reader = new FrameReader();
  #onEvent;

  constructor(descriptor) {
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: true });
    this.#socket.on('data', (piece) => this.#receive(piece));
    // The platform has gone, or has no further use for this process.
    this.#socket.on('end', () => process.exit(0));
    // During init it is the function's own work, such as a top-level await, that keeps the process alive.
    this.#socket.unref();
  }

  /** The function's own init begins. */
  importing() {
    this.#socket.write(encode(IMPORT, {}, ''));
  }

  start(onEvent) {
    this.#onEvent = onEvent;
    this.next();
  }

  next() {
    this.#ask(encode(NEXT, {}, ''));
  }

  respond(id, body) {
    this.#ask(encode(RESPONSE, { id }, body));
  }

  fail(id, type, body) {
    this.#ask(encode(ERROR, { id, type }, body));
  }

  openStream(id) {
    const socket = this.#socket;
    return {
      begin: (type) => socket.write(encode(STREAM, { id, type }, '')),
      // The callback comes when the last of it is in the socket: a reader that is slow makes the writer wait.
      write(bytes, done) {
        for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
          const piece = bytes.subarray(at, at + CHUNK_BYTES);
          socket.cork();
          socket.write(encodeHead(CHUNK, { id }, piece.length));
          socket.write(piece, at + CHUNK_BYTES >= bytes.length ? done : undefined);
          socket.uncork();
        }
        if (bytes.length === 0) {
          done();
        }
      },
      end: (done) => socket.write(encode(STREAM_END, { id }, ''), done),
      fail: (type, body) => socket.write(encode(STREAM_END, { id, type }, body)),
    };
  }

  lastWords(id, type, body, done) {
    const frame = id === undefined
      ? encode(INIT_ERROR, { type }, body)
      : encode(ERROR, { id, type, exiting: true }, body);
    this.#socket.ref();
    this.#socket.write(frame, done);
  }

  // Every one of these frames asks for an event, and waiting for one is what the process lives for.
  #ask(frame) {
    this.#socket.ref();
    this.#socket.write(frame);
  }

  #receive(piece) {
    for (const frame of this.#reader.push(piece)) {
      if (frame.kind !== EVENT) {
        throw new Error(`The platform sent a frame of kind ${frame.kind}, which is no event.`);
      }
      this.#socket.unref();
      this.#onEvent(eventOf(frame));
    }
  }
}

module.exports = { FrameChannel };
