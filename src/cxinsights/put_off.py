"""What a library loads with itself though it is hardly ever asked for: loaded when it is.

nbformat loads jsonschema, which loads 38 grammars of addresses in other letters than ours. That takes two seconds of
every process, and no notebook is checked by them.
"""

import sys
from importlib import import_module
from types import ModuleType

__all__: list[str] = []

_GRAMMARS = "rfc3987_syntax"


def _is_valid_syntax(term: str, value: str) -> bool:
    """What jsonschema asks of such an address."""
    if sys.modules.get(_GRAMMARS) is _instead:
        del sys.modules[_GRAMMARS]
    return import_module(_GRAMMARS).is_valid_syntax(term, value)


_instead = ModuleType(_GRAMMARS)
_instead.is_valid_syntax = _is_valid_syntax
sys.modules.setdefault(_GRAMMARS, _instead)
