"""What programs and sessions share.

Only what is built into the interpreter is loaded at once: the official images have no compiled modules, so that each of the
others costs milliseconds.
"""

import _ast
import os
import sys

# Where modules are that no program has written.
STANDARD_PATH = [entry for entry in sys.path if entry and not entry.startswith("/workspace")]


class Sources:
    """Tells `linecache` the lines of programs, for tracebacks, as soon as anything loads it."""

    lines = {}

    def add(self, source, name):
        self.lines[name] = (len(source), None, source.splitlines(keepends=True), name)

    def find_spec(self, name, _path=None, _target=None):
        if name != "linecache":
            return None
        from importlib.util import find_spec, spec_from_loader

        sys.meta_path.remove(self)
        self.spec = find_spec(name)
        return spec_from_loader(name, self) if self.spec else None

    def create_module(self, _spec):
        return None

    def exec_module(self, module):
        module.__spec__, module.__loader__, module.__file__ = self.spec, self.spec.loader, self.spec.origin
        self.spec.loader.exec_module(module)
        # It may be a program's own module of that name.
        if hasattr(module, "cache"):
            module.cache.update(self.lines)
            self.lines = module.cache


sources = Sources()
if "linecache" in sys.modules:
    sources.lines = sys.modules["linecache"].cache
else:
    sys.meta_path.insert(0, sources)


class Figures:
    """Makes `plt.show()` save figures as files, with no change to the program: a backend, made when matplotlib asks."""

    name = "inline_backend"
    count = 0

    def find_spec(self, name, _path=None, _target=None):
        if name != self.name:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self)

    def create_module(self, _spec):
        return None

    def exec_module(self, module):
        from matplotlib.backend_bases import FigureManagerBase
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        module.FigureCanvas = FigureCanvasAgg
        module.FigureManager = FigureManagerBase
        module.show = self.show

    def show(self, *_arguments, **_options):
        from matplotlib._pylab_helpers import Gcf

        for manager in Gcf.get_all_fig_managers():
            self.count += 1
            manager.canvas.figure.savefig(f"figure-{self.count}.png")
        Gcf.destroy_all()


def show_figures():
    sys.meta_path.append(Figures())
    os.environ["MPLBACKEND"] = f"module://{Figures.name}"


def enter(directory):
    """Changes to the directory, or to the workspace if it is gone."""
    for path in (directory, "/workspace", "/tmp"):
        try:
            os.chdir(path)
            return
        except OSError:
            pass


def execute(source, name, scope, echo):
    """Runs all statements, and echoes the last one if it is an expression."""
    # What is installed may have come since the interpreter looked, when it began to wait or in the last cell.
    for finder in sys.meta_path:
        if hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
    sources.add(source, name)
    # Without `dont_inherit` the program would be compiled with this file's own settings.
    tree = compile(source, name, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
    last = [tree.body.pop()] if echo and tree.body and isinstance(tree.body[-1], _ast.Expr) else []
    exec(compile(tree, name, "exec", dont_inherit=True), scope)
    if last:
        exec(compile(_ast.Interactive(last), name, "single", dont_inherit=True), scope)


def load_traceback():
    """Returns what prints tracebacks, and not what the program's directory may have of the same name."""
    path, sys.path = sys.path, STANDARD_PATH
    try:
        import ast  # To underline what went wrong.
        import traceback
    finally:
        sys.path = path
    return traceback


def prepare():
    """Loads what may be needed later, if nobody sends anything meanwhile."""
    import select

    if not select.select([0], [], [], 0.1)[0]:
        load_traceback()


def report(error, name, has_input):
    """Prints the traceback from the program's own first line on, and what a beginner would not know."""
    frame = error.__traceback__
    while frame and frame.tb_frame.f_code.co_filename != name:
        frame = frame.tb_next
    try:
        load_traceback().print_exception(type(error), error, frame)
    except Exception:
        # There is no memory left, or no descriptor, or the program has put its own modules in the place of others.
        sys.__excepthook__(type(error), error.with_traceback(frame), frame)
    if isinstance(error, EOFError) and not has_input:
        print("hint: this program asks for input, and it was given none", file=sys.stderr)
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        print(f"hint: the module `{package}` is not installed; install its package with pip", file=sys.stderr)


