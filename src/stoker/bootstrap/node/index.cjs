'use strict';

// The process of a `nodejsN.x` function: `node [flags] /var/runtime/node/index.cjs`. Read `runtime.cjs` next.
//
// It behaves as AWS's managed Node runtime does, on Node 18 and later, without a dependency. Its transport is the
// inherited socket STOKER_CHANNEL_FD, or, without one, the HTTP Runtime API at AWS_LAMBDA_RUNTIME_API. With
// STOKER_ORDER_FD it was started ahead of need: see `order.cjs`.
//
// CommonJS, because starting Node's ES module loader costs 5 ms that a CommonJS function need not pay.

const { loadHandler } = require('./handler.cjs');
const { Logger } = require('./logger.cjs');
const responseStream = require('./response_stream.cjs');
const { Runtime } = require('./runtime.cjs');

function openTransport(environment) {
  const descriptor = environment.STOKER_CHANNEL_FD;
  if (descriptor !== undefined) {
    // The function and its children have no business with the platform's socket.
    delete environment.STOKER_CHANNEL_FD;
    const { FrameChannel } = require('./frame_channel.cjs');
    return new FrameChannel(Number(descriptor));
  }
  const { HttpRuntimeApi } = require('./http_runtime_api.cjs');
  return new HttpRuntimeApi(environment.AWS_LAMBDA_RUNTIME_API);
}

async function main() {
  const order = process.env.STOKER_ORDER_FD;
  const transport = openTransport(process.env);
  if (order !== undefined) {
    const { becomeFunction } = require('./order.cjs');
    await becomeFunction(Number(order));
  }
  const logger = new Logger({
    format: process.env.AWS_LAMBDA_LOG_FORMAT,
    level: process.env.AWS_LAMBDA_LOG_LEVEL,
  });
  logger.takeOver(console);
  responseStream.install(globalThis);
  const runtime = new Runtime({ transport, logger });
  runtime.watch(process);
  runtime.importing();
  runtime.serve(await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER));
}

// A handler that can't be loaded is an uncaught exception of the init phase, whatever went wrong with it.
main().catch((error) => setImmediate(() => { throw error; }));
