"""A wheel, installed elsewhere, runs a shipped scenario by name."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ["pyproject.toml", "setup.py", "README.md", "LICENSE", "fangpinbao", "scenarios"]

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path, module_path: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if module_path is not None:
        environment["PYTHONPATH"] = str(module_path)
    arguments = [sys.executable, *map(str, command)]
    done = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy, so that nothing is left in the source tree and nothing else is needed."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source, cwd=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--target", target, wheel, cwd=target)
    return target


def test_the_wheel_carries_the_package_its_licence_and_the_scenarios(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    scenarios = ROOT / "scenarios"
    shipped = [path for path in scenarios.rglob("*") if path.is_file() and path.name[0] != "."]
    expected = {f"fangpinbao/_scenarios/{path.relative_to(scenarios).as_posix()}" for path in shipped}
    package = [path for path in (ROOT / "fangpinbao").rglob("*") if path.is_file()]
    expected |= {path.relative_to(ROOT).as_posix() for path in package if path.suffix != ".pyc"}
    assert expected <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"fangpinbao"}


def test_a_shipped_scenario_runs_by_name_from_the_installed_wheel(site: Path, tmp_path: Path) -> None:
    place = run("-c", "import fangpinbao; print(fangpinbao.__file__)", cwd=tmp_path, module_path=site)
    assert Path(place.strip()).is_relative_to(site)

    job = ("run", "zhongning-2020", "--years", 50, "--seed", 1, "--out", "out")
    printed = run("-m", "fangpinbao", *job, cwd=tmp_path, module_path=site)

    assert printed.strip()
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["format"] == 1
    assert results["provenance"]
    measures = {figure["measure"] for figure in results["figures"]}
    assert {"payout", "pure_premium_per_insured", "households_prevented"} <= measures
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_scenario_of_ones_own_starts_and_runs_from_the_installed_wheel(site: Path, tmp_path: Path) -> None:
    printed = run("-m", "fangpinbao", "new", "mine", "--from", "changde-2025", cwd=tmp_path, module_path=site)
    assert "mine.toml written" in printed
    job = ("run", "mine.toml", "--years", 5, "--no-ranges", "--quiet", "--out", "out")
    run("-m", "fangpinbao", *job, cwd=tmp_path, module_path=site)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.toml", "out"]
