// Waits for one program on standard input and runs it; what is left of standard input is the program's.

// Reads exactly so much, synchronously: what follows belongs to the program.
function read(length) {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    let got;
    try {
      got = fs.readSync(0, buffer, at, length - at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      continue;
    }
    if (got === 0) process.exit(0); // Nobody sends a program any more.
    at += got;
  }
  return buffer;
}

// Returns the frame: a line of lengths, then that many bytes for each part.
function receive() {
  let line = '';
  for (let byte; (byte = read(1).toString('latin1')) !== '\n';) line += byte;
  return line.split(' ').map((length) => read(Number(length)).toString());
}

function fail(error) {
  report(error);
  process.exit(1);
}

async function run(name, source, wantsEcho) {
  const value = await compile(source, name).runInThisContext();
  if (wantsEcho) echo(value);
}

const [name, source, wantsEcho, , directory, ...args] = receive();
enter(directory);
provide(name);
process.argv = [process.argv[0], name, ...args];
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
fs.writeSync(1, '\x06');
run(name, source, wantsEcho === '1').catch(fail);
