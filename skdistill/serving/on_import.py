"""Registration with a library that may be imported later, or never."""

import sys
from importlib.abc import Loader
from importlib.util import find_spec


def when_imported(library, register):
    """Call a function as soon as a library has been imported: now, if it has been already.

    Parameters
    ----------
    library : str
    register : callable without arguments
    """
    if library in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Watcher(library, register))


class _Watcher:
    """Finds nothing itself, but sees the one library that is looked for."""

    def __init__(self, library, register):
        self.library, self.register = library, register

    def find_spec(self, name, path=None, target=None):
        """Return how the library is loaded, and registered with; None for any other."""
        if name != self.library:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None:  # not installed, or not yet
            sys.meta_path.insert(0, self)
            return None
        spec.loader = _Loader(spec.loader, self.register)
        return spec


class _Loader(Loader):
    """Loads a library as another loader does, and registers with it; then it gives way."""

    def __init__(self, loader, register):
        self.loader, self.register = loader, register

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.register()
