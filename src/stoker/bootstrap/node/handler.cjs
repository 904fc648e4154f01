'use strict';

// From a handler setting (`dir/file.nested.name`) to the function it means.

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { HandlerNotFound, ImportModuleError, MalformedHandlerName, UserCodeSyntaxError } = require('./errors.cjs');

/** `dir/file.nested.name` → `{ module: 'dir/file', members: ['nested', 'name'] }`. */
function parseHandler(setting) {
  if (setting.includes('..')) {
    throw new MalformedHandlerName(
      `'${setting}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const start = setting.lastIndexOf('/') + 1;
  const dot = setting.indexOf('.', start);
  if (dot < 0) {
    throw new MalformedHandlerName('Bad handler');
  }
  return { module: setting.slice(0, dot), members: setting.slice(dot + 1).split('.') };
}

/** Whether Node takes a `.js` file in this folder for an ES module: the nearest package.json says so. */
function holdsEsModules(folder) {
  if (path.basename(folder) === 'node_modules') {
    return false;
  }
  const manifest = path.join(folder, 'package.json');
  if (fs.existsSync(manifest)) {
    try {
      return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    } catch {
      // Node's own loader is about to read the same file, and its message is better than ours.
      return false;
    }
  }
  const parent = path.dirname(folder);
  return parent !== folder && holdsEsModules(parent);
}

async function loadModule(root, module) {
  const stem = path.resolve(root, module);
  if (fs.existsSync(stem)) {
    return require(stem);
  }
  if (fs.existsSync(`${stem}.js`)) {
    return holdsEsModules(path.dirname(stem)) ? import(pathToFileURL(`${stem}.js`)) : require(`${stem}.js`);
  }
  if (fs.existsSync(`${stem}.mjs`)) {
    return import(pathToFileURL(`${stem}.mjs`));
  }
  if (fs.existsSync(`${stem}.cjs`)) {
    return require(`${stem}.cjs`);
  }
  // A package of a layer or of node_modules; a plain require would search from this file's folder.
  return require(require.resolve(module, { paths: [root, path.dirname(stem)] }));
}

/**
 * The function's handler. Rejects with a `Runtime.*` error, or with whatever the function's own top-level code threw.
 */
async function loadHandler(root, setting) {
  const { module, members } = parseHandler(setting);
  const exported = await loadModule(root, module).catch((error) => {
    if (error instanceof SyntaxError) {
      throw new UserCodeSyntaxError(error);
    }
    throw error?.code === 'MODULE_NOT_FOUND' ? new ImportModuleError(error) : error;
  });
  const handler = members.reduce((value, member) => value?.[member], exported);
  if (typeof handler === 'function') {
    return handler;
  }
  throw new HandlerNotFound(handler ? `${setting} is not a function` : `${setting} is undefined or not exported`);
}

module.exports = { loadHandler };
