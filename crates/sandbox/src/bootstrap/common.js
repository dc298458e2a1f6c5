const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { Module, createRequire } = require('node:module');
const { inspect } = require('node:util');

// Programs may import; that the means to let them is new is nothing to warn their authors of.
const { emitWarning } = process;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) emitWarning.call(process, warning, ...rest);
};

// Changes to the directory, or to the workspace if it is gone.
function enter(directory) {
  for (const one of [directory, '/workspace', '/tmp']) {
    try {
      return process.chdir(one);
    } catch {}
  }
}

// Gives the program what a file of this name would have in its scope.
function provide(name) {
  const file = path.resolve(name);
  const own = Object.assign(new Module(file), { filename: file, paths: Module._nodeModulePaths(process.cwd()) });
  const require = createRequire(file);
  Object.assign(globalThis, { require, module: own, exports: own.exports, __filename: file, __dirname: path.dirname(file) });
}

// Compiles a program as it is, else, for `await` at its top, in an async function: as an expression, else as statements.
function compile(source, filename, statements = source) {
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const attempts = /\bawait\b/.test(source)
    ? [source, `(async () => (${source}\n))()`, `(async () => {${statements}\n})()`]
    : [source];
  let first;
  for (const text of attempts) {
    try {
      return new vm.Script(text, { filename, importModuleDynamically });
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

// Prints what a program threw: of the stack, what is the program's own; and what a beginner would not know.
function report(error) {
  const stack = error instanceof Error && error.stack ? String(error.stack) : `Uncaught ${inspect(error)}`;
  const lines = stack.replace(/^node:internal[^]*?\n\n/, '').split('\n');
  const own = lines.filter((line) => !/^\s+at .*(node:|\[eval\])/.test(line));
  const missing = error?.code === 'MODULE_NOT_FOUND' && /^Cannot find module '([^./'][^']*)'/.exec(error.message);
  if (missing) own.push(`hint: the module \`${missing[1]}\` is not installed; install it with npm`);
  fs.writeSync(2, `${own.join('\n')}\n`);
}

// Prints the value of a last expression. A handle, as `setTimeout` and `on` return it, is no answer.
function echo(value) {
  const isHandle = value instanceof EventEmitter || value?.constructor?.name === 'Timeout';
  if (value !== undefined && !isHandle) process.stdout.write(`${inspect(value)}\n`);
}

