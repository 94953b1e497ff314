"""The command line. The Makefile only calls it."""

import os
import sys
import traceback
from pathlib import Path

from cxinsights.cli import making, publishing  # noqa: F401  their commands
from cxinsights.cli.parts import app, err, out
from cxinsights.errors import CxError

__all__ = ["err", "main", "out"]


def main() -> None:
    """Run the command line; an error raised on purpose is a message and exit code 2, any other exit code 3."""
    try:
        app(standalone_mode=True)
    except CxError as error:
        err.print(f"cxinsights: {error}", style="red")
        sys.exit(2)
    except OSError as error:
        place = f" ({'/'.join(Path(error.filename).parts[-3:])})" if error.filename else ""
        err.print(f"cxinsights: {error.strerror or type(error).__name__}{place}", style="red")
        sys.exit(3)
    except Exception as error:
        if os.environ.get("CXINSIGHTS_TRACEBACK"):
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        err.print(
            f"cxinsights: unexpected {type(error).__name__} in {os.path.basename(at.filename)}, line {at.lineno}. "
            "CXINSIGHTS_TRACEBACK=1 shows all of it; it may quote what people answered.",
            style="red",
        )
        sys.exit(3)
