'use strict';

// A process that was made ahead: it has started Node and this bootstrap, and waits to be told which function to be.

const fs = require('node:fs');

// Those of `bootstrap.messages`.
const MAX_BYTES = 192 * 1024;
const TASK_ROOT = '/var/task';

/**
 * Wait for the order on the platform's own socket, then be in the place and have the environment that it says. Node has
 * no name for such sockets, but reads one message at a time from them.
 */
async function becomeFunction(descriptor) {
  // Starts the loader of ES modules, for which a function that is one would have to wait.
  await import('node:fs');
  const buffer = Buffer.allocUnsafeSlow(MAX_BYTES);
  const size = fs.readSync(descriptor, buffer);
  fs.closeSync(descriptor);
  if (size === 0) {
    process.exit(0);
  }
  const { environment } = JSON.parse(buffer.toString('utf8', 0, size));
  for (const name of Object.keys(process.env)) {
    delete process.env[name];
  }
  Object.assign(process.env, environment);
  process.chdir(TASK_ROOT);
}

module.exports = { becomeFunction };
