"""Build hook: a wheel carries the shipped scenarios as ``fangpinbao/_scenarios``.

Everything else about the build stands in ``pyproject.toml``. In an editable install nothing is copied: the
package then reads the top-level folder ``scenarios/`` beside it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SCENARIOS = Path("scenarios")
TARGET = Path("fangpinbao", "_scenarios")


class BuildWithScenarios(build_py):
    """Copies ``scenarios/`` into the built package."""

    def _scenario_files(self) -> list[Path]:
        files = (path for path in sorted(SCENARIOS.rglob("*")) if path.is_file())
        return [path for path in files if not any(part.startswith((".", "__")) for part in path.parts)]

    def _built(self, source: Path) -> Path:
        return Path(self.build_lib) / TARGET / source.relative_to(SCENARIOS)

    def run(self) -> None:
        """Build the package, then add the scenarios to it."""
        super().run()
        if self.editable_mode:
            return
        shutil.rmtree(Path(self.build_lib) / TARGET, ignore_errors=True)
        for source in self._scenario_files():
            target = self._built(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def get_source_files(self) -> list[str]:
        """Name what a source distribution must hold."""
        return [*super().get_source_files(), *(path.as_posix() for path in self._scenario_files())]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Name what the build writes."""
        outputs = super().get_outputs(include_bytecode)
        if self.editable_mode:
            return outputs
        return [*outputs, *(str(self._built(path)) for path in self._scenario_files())]


setup(cmdclass={"build_py": BuildWithScenarios})
