"""What programs and sessions share."""

import ast
import importlib
import linecache
import os
import sys
import traceback
import types
from importlib.machinery import ModuleSpec


class Figures:
    """Makes `plt.show()` save figures as files, with no change to the program: a backend, made when matplotlib asks."""

    name = "inline_backend"
    count = 0

    def find_spec(self, name, _path=None, _target=None):
        return ModuleSpec(name, self) if name == self.name else None

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
    importlib.invalidate_caches()
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    tree = ast.parse(source, name)
    last = [tree.body.pop()] if echo and tree.body and isinstance(tree.body[-1], ast.Expr) else []
    # Without `dont_inherit` the program would be compiled with this file's own settings.
    exec(compile(tree, name, "exec", dont_inherit=True), scope)
    if last:
        exec(compile(ast.Interactive(last), name, "single", dont_inherit=True), scope)


def report(error, name, has_input):
    """Prints the traceback from the program's own first line on, and what a beginner would not know."""
    frame = error.__traceback__
    while frame and frame.tb_frame.f_code.co_filename != name:
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)
    if isinstance(error, EOFError) and not has_input:
        print("hint: this program asks for input, and it was given none", file=sys.stderr)
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        print(f"hint: the module `{package}` is not installed; install its package with pip", file=sys.stderr)


