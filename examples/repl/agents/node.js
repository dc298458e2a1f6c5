// Runs cells in one interpreter. A cell comes as a line `MARK BASE64`; MARK is printed on both streams when it is done.
// A function, since names at the top would be names of the cells'.
(() => {
'use strict';
const { Readable } = require('node:stream');
const { inspect } = require('node:util');
const fs = require('node:fs');
const readline = require('node:readline');
const vm = require('node:vm');

const control = fs.createReadStream(null, { fd: 0 });
// The cells' own input is empty, so that reading it cannot swallow the next cell.
Object.defineProperty(process, 'stdin', { value: Readable.from([]) });
Object.assign(globalThis, { require, module, exports });

let interrupt = () => {};
process.on('SIGINT', () => interrupt(new Error('interrupted')));
// What a cell throws later, from a timer, is shown and does not end the interpreter.
process.on('uncaughtException', report);
process.on('unhandledRejection', report);

// Compiles a cell as it is, else, for `await` at its top, in an async function: as an expression, else as statements
// whose declarations become globals, so that the next cell sees them.
function compile(source, filename) {
  const plain = () => new vm.Script(source, { filename });
  if (!/\bawait\b/.test(source)) return plain();
  const globals = source.replace(/^(?:const|let|var)\s+([\w$]+)\s*=/gm, 'globalThis.$1 =');
  const wrapped = [`(async () => (${source}\n))()`, `(async () => {${globals}\n})()`];
  for (const attempt of wrapped) {
    try {
      return new vm.Script(attempt, { filename });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return plain();
}

function report(error) {
  const stack = error instanceof Error && error.stack ? error.stack : `Uncaught ${inspect(error)}`;
  // The frames below the cell's own are those of the interpreter.
  const lines = stack.split('\n').filter((line) => !/^\s+at .*(node:|\[eval\])/.test(line));
  fs.writeSync(2, `${lines.join('\n')}\n`);
}

async function run(source, filename) {
  const value = compile(source, filename).runInThisContext({ breakOnSigint: true });
  const interrupted = new Promise((_, reject) => { interrupt = reject; });
  return value instanceof Promise ? Promise.race([value, interrupted]) : value;
}

async function serve() {
  let number = 0;
  for await (const line of readline.createInterface({ input: control })) {
    const [mark, cell] = line.split(' ');
    number += 1;
    try {
      const value = await run(Buffer.from(cell, 'base64').toString(), `cell ${number}`);
      if (value !== undefined) process.stdout.write(`${inspect(value)}\n`);
    } catch (error) {
      report(error);
    }
    interrupt = () => {};
    for (const stream of [process.stdout, process.stderr]) await new Promise((done) => stream.write(mark, done));
  }
  process.exit(0);
}

serve();
})();
