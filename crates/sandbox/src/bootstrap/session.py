# Runs cells in one interpreter. A cell comes as a line `MARK BASE64`. When it is done, standard output gets a line with the
# mark and the cell's status, and standard error the mark.

import _signal as signal
import binascii

running = False


def interrupt(*_arguments):
    """Ends a cell, and nothing between two of them."""
    if running:
        raise KeyboardInterrupt


def hide(error):
    """Takes this file's own frame off the end of a traceback."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        if frame.tb_next.tb_frame.f_code is interrupt.__code__:
            frame.tb_next = None
        frame = frame.tb_next


def run(source, name, scope):
    """Runs a cell and returns its status."""
    global running
    try:
        # A cell before may have set its own.
        signal.signal(signal.SIGINT, interrupt)
        running = True
        execute(source, name, scope, True)
        running = False
        return 0
    except SystemExit:
        raise
    except BaseException as error:
        running = False
        hide(error)
        report(error, name, False)
        return 130 if isinstance(error, KeyboardInterrupt) else 1


def serve():
    global running
    show_figures()
    prepare()
    # The cells' own input is empty, so that `input()` cannot swallow the next cell.
    control = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    enter(sys.argv[1])
    sys.path[0] = os.getcwd()
    sys.argv = [""]
    module = sys.modules["__main__"] = type(sys)("__main__")
    module.__dict__.update(__builtins__=__builtins__)
    signal.signal(signal.SIGINT, interrupt)
    process = os.getpid()
    number = 0
    while line := control.readline():
        mark, _, cell = line.strip().partition(b" ")
        number += 1
        try:
            status = run(binascii.a2b_base64(cell).decode(), f"<cell {number}>", module.__dict__)
        except KeyboardInterrupt:
            running = False
            status = 130  # It came just as the cell had ended.
        if os.getpid() != process:
            os._exit(status)  # A child that the cell forked.
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass  # The cell closed it.
        os.write(1, b"\1%s %d\n" % (mark, status))
        os.write(2, b"\1" + mark)


serve()
