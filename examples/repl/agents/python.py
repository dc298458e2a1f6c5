"""Runs cells in one interpreter. A cell comes as a line `MARK BASE64`; MARK is printed on both streams when it is done."""

import ast
import base64
import linecache
import os
import sys
import traceback


def run(source, name, scope):
    """Runs all statements and echoes the last one if it is an expression."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    body = ast.parse(source, name).body
    last = [body.pop()] if body and isinstance(body[-1], ast.Expr) else []
    exec(compile(ast.Module(body, []), name, "exec"), scope)
    if last:
        exec(compile(ast.Interactive(last), name, "single"), scope)


def report(error):
    """Prints the traceback from the user's own first line on."""
    frame = error.__traceback__
    while frame and not frame.tb_frame.f_code.co_filename.startswith("<cell "):
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)


def serve():
    # The cells' own input is empty, so that `input()` cannot swallow the next cell.
    control = os.fdopen(os.dup(0), "rb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    import __main__

    scope = {"__name__": "__main__", "__builtins__": __builtins__}
    __main__.__dict__.update(scope)
    scope = __main__.__dict__
    number = 0
    while True:
        try:
            line = control.readline()
            if not line:
                return
            mark, cell = line.split()
            number += 1
            try:
                run(base64.b64decode(cell).decode(), f"<cell {number}>", scope)
            except (Exception, KeyboardInterrupt) as error:
                report(error)
            for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.write(descriptor, mark)
        except KeyboardInterrupt:
            pass  # It came between two cells: there is nothing to interrupt.


serve()
