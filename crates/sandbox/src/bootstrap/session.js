// Runs cells in one interpreter. A cell comes as a line `MARK BASE64`. When it is done, standard output gets a line with the
// mark and the cell's status, and standard error the mark.
const net = require('node:net');
const readline = require('node:readline');

// The cells' own input is empty, so that reading it cannot swallow the next cell. A socket, unlike a file, is not read in a
// thread, whose end `process.exit` would wait for.
const control = new net.Socket({ fd: 3, readable: true, writable: false });
enter(process.argv[1]);
process.argv = [process.argv[0]];
provide('cell.js');

let interrupt = () => {};
process.on('SIGINT', () => interrupt(new Error('interrupted')));
// What a cell throws later, from a timer, is shown and does not end the interpreter.
process.on('uncaughtException', report);
process.on('unhandledRejection', report);

async function run(source, filename) {
  // Declarations of a cell with `await` become globals, so that the next cell sees them.
  const statements = source.replace(/^(?:const|let|var)\s+([\w$]+)\s*=/gm, 'globalThis.$1 =');
  const value = compile(source, filename, statements).runInThisContext({ breakOnSigint: true });
  const interrupted = new Promise((_, reject) => { interrupt = reject; });
  return value instanceof Promise ? Promise.race([value, interrupted]) : value;
}

// An interrupt that comes just as a cell ends node keeps for a script to come, and one that has not been heard yet is still
// to be: a pause takes both.
async function settle(milliseconds) {
  await new Promise(setImmediate);
  const pause = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${milliseconds})`;
  for (;;) {
    try {
      return vm.runInThisContext(pause, { breakOnSigint: true });
    } catch {}
  }
}

async function serve() {
  let number = 0;
  let status = 0;
  for await (const line of readline.createInterface({ input: control })) {
    const [mark, cell] = line.split(' ');
    number += 1;
    await settle(status === 130 ? 20 : 1);
    status = 0;
    try {
      echo(await run(Buffer.from(cell, 'base64').toString(), `cell ${number}`));
    } catch (error) {
      report(error);
      status = error?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED' || error?.message === 'interrupted' ? 130 : 1;
    }
    interrupt = () => {};
    await new Promise((done) => process.stdout.write(`\x01${mark} ${status}\n`, done));
    await new Promise((done) => process.stderr.write(`\x01${mark}`, done));
  }
  process.exit(0);
}

serve();
