"""Where things are: one object that knows every folder of a cxinsights project."""

import os
from dataclasses import dataclass
from pathlib import Path

from cxinsights.errors import ParamsError

__all__ = ["Project"]


@dataclass(frozen=True)
class Project:
    """A folder with `params/` and `notebooks/` in it, and the places derived from it."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Find the project: `CXINSIGHTS_HOME` if set, else the nearest folder above `start` (or here)."""
        home = os.environ.get("CXINSIGHTS_HOME")
        if home:
            return cls(Path(home).resolve())
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
                return cls(folder)
        raise ParamsError(
            "No cxinsights project here: no folder from this one upwards has both params/ and notebooks/. "
            "Go to the project's folder, or set CXINSIGHTS_HOME to it."
        )

    @property
    def notebooks(self) -> Path:
        """The notebooks, one per analysis."""
        return self.root / "notebooks"

    @property
    def params(self) -> Path:
        """The params files, one folder per study."""
        return self.root / "params"

    @property
    def outputs(self) -> Path:
        """Everything that is published."""
        return self.root / "outputs"

    def studies(self) -> list[str]:
        """Names of the studies that have params."""
        return sorted(path.parent.name for path in self.params.glob("*/study.yml"))

    def data(self, study: str) -> Path:
        """All data of a study."""
        return self.root / "data" / study

    def tables(self, study: str) -> Path:
        """The study's validated tables (made)."""
        return self.data(study) / "tables"

    def private(self, study: str) -> Path:
        """Row-level results of the study (made, never served)."""
        return self.data(study) / "private"

    def raw_folders(self, study: str, raw_folder: str | None = None) -> dict[str, Path]:
        """Folders searched for the study's raw files, in order, by what messages call them."""
        shared = os.environ.get("CXINSIGHTS_DATA_DIR")
        names = [name for name in (raw_folder, study) if name] if shared else []
        folders = {f"$CXINSIGHTS_DATA_DIR/{name}/": Path(shared) / name for name in names}
        return {**folders, f"data/{study}/raw/": self.data(study) / "raw"}

    def shown(self, path: Path) -> str:
        """A path as messages show it: from the project's folder where it is inside, else its last parts."""
        try:
            return path.resolve().relative_to(self.root).as_posix()
        except ValueError:
            return "/".join(path.parts[-2:])
