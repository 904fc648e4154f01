'use strict';

// The frames of Stoker's channel as bytes; `bootstrap/frames.py` says what they mean. No I/O here.

const HEADER_BYTES = 9;
const KIND_AT = 8;
const NEXT = 1;
const RESPONSE = 2;
const ERROR = 3;
const INIT_ERROR = 4;
const EVENT = 5;
const STREAM = 6;
const CHUNK = 7;
const STREAM_END = 8;
const IMPORT = 10;

/** One frame, ready to send, from a JSON-able `meta` and a `body` of text. */
function encode(kind, meta, body) {
  const head = JSON.stringify(meta);
  const headBytes = Buffer.byteLength(head);
  const bodyBytes = Buffer.byteLength(body);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + headBytes + bodyBytes);
  frame.writeUInt32BE(headBytes, 0);
  frame.writeUInt32BE(bodyBytes, 4);
  frame[KIND_AT] = kind;
  frame.write(head, HEADER_BYTES);
  frame.write(body, HEADER_BYTES + headBytes);
  return frame;
}

/** All of a frame but its body of so many bytes, which is to be sent behind it. */
function encodeHead(kind, meta, bodyBytes) {
  const head = JSON.stringify(meta);
  const headBytes = Buffer.byteLength(head);
  const start = Buffer.allocUnsafe(HEADER_BYTES + headBytes);
  start.writeUInt32BE(headBytes, 0);
  start.writeUInt32BE(bodyBytes, 4);
  start[KIND_AT] = kind;
  start.write(head, HEADER_BYTES);
  return start;
}

/** Puts together frames from the pieces in which a stream hands them over. */
class FrameReader {
  #pieces = [];
  #bytes = 0;
  #wanted = HEADER_BYTES;

  /** Take the next piece; returns the frames, `{ kind, meta, body }` with a text `body`, that it completes. */
  push(piece) {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const frames = [];
    // Pieces are joined only when enough of them are there: 6 MB come in a hundred.
    while (this.#bytes >= this.#wanted) {
      const buffer = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces, this.#bytes);
      const headEnd = HEADER_BYTES + buffer.readUInt32BE(0);
      const end = headEnd + buffer.readUInt32BE(4);
      if (buffer.length < end) {
        this.#keep(buffer, end);
        break;
      }
      frames.push({
        kind: buffer[KIND_AT],
        meta: JSON.parse(buffer.toString('utf8', HEADER_BYTES, headEnd) || '{}'),
        body: buffer.toString('utf8', headEnd, end),
      });
      this.#keep(buffer.subarray(end), HEADER_BYTES);
    }
    return frames;
  }

  #keep(rest, wanted) {
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    this.#wanted = wanted;
  }
}

module.exports = {
  CHUNK, ERROR, EVENT, FrameReader, IMPORT, INIT_ERROR, NEXT, RESPONSE, STREAM, STREAM_END, encode, encodeHead,
};
