"""Names and signatures that scripts rely on; a change here belongs into the changelog."""

import inspect
import subprocess
import sys

import pytest

import fangpinbao as fp

SIGNATURES = {
    "all_figures": "(outcomes)",
    "catastrophe_figures": "(outcomes)",
    "compare": "(outcomes, a, b='none')",
    "format_estimate": "(estimate, lang='en')",
    "load_scenario": "(path)",
    "population_of": "(scenario)",
    "poverty": "(outcomes, programme=None)",
    "precision_line": "(outcomes, programme, lang='en')",
    "price": "(outcomes, programme=None)",
    "read_roster": "(path)",
    "scenario_names": "()",
    "scenario_schema": "()",
    "simulate": "(scenario, years=None, seed=None, *, threads=None, population=None, progress=None, "
    "by_household=False, block_persons=…, chunk_years=None, client=None)",
    "simulate_catastrophe": "(scenario, years=None, seed=None, *, threads=None, stratified=True, progress=None)",
    "tail_risk": "(outcomes, programme=None, *, budget=None, return_periods=(2, 5, 10, 20, 50, 100, 200), "
    "levels=(0.9, 0.95, 0.99, 0.995))",
    "variance_split": "(scenario, years=None, seed=None, *, programme=None, population=None, threads=None, "
    "progress=None)",
    "write_roster": "(population, path)",
    "years_for_one_percent": "(outcomes, programme)",
}
CLASSES = {
    "CatastropheOutcomes": {
        "by_year",
        "by_event",
        "event_losses",
        "yuan_by_path",
        "paid_by_path",
        "contracts",
        "perils",
    },
    "Estimate": {"known", "scaled", "is_share_of_no_year"},
    "EventLosses": {"by_year", "largest_by_year"},
    "FangpinbaoError": set(),
    "Figure": {"key", "note", "to_dict", "is_share_of_no_year"},
    "Figures": {"select", "one", "to_frame", "to_records"},
    "InputError": set(),
    "MissingExtraError": set(),
    "Outcomes": {"by_year", "by_year_coverage", "by_group", "by_household", "column", "batches", "years"},
    "Population": {"from_frame", "to_frame", "select", "select_households"},
    "Scenario": {"replace", "replace_all", "from_document", "digest", "numbers"},
    "Years": {"equal", "stratified"},
}


def signature(name: str) -> str:
    parameters = []
    for parameter in inspect.signature(getattr(fp, name)).parameters.values():
        plain = parameter.replace(annotation=inspect.Parameter.empty)
        parameters.append(plain.replace(default=...) if parameter.name == "block_persons" else plain)
    return str(inspect.Signature(parameters)).replace("block_persons=Ellipsis", "block_persons=…")


@pytest.mark.smoke
def test_the_public_names_are_frozen() -> None:
    assert set(fp.__all__) == {*SIGNATURES, *CLASSES, "__version__"}
    assert fp.__all__ == sorted(fp.__all__)
    assert set(fp.__all__) <= set(dir(fp))


@pytest.mark.smoke
@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_is_frozen(name: str) -> None:
    assert signature(name) == SIGNATURES[name]
    assert inspect.getdoc(getattr(fp, name))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_keeps_its_methods(name: str) -> None:
    kind = getattr(fp, name)
    assert inspect.isclass(kind)
    assert set(dir(kind)) | set(getattr(kind, "__annotations__", {})) >= CLASSES[name]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prise'"):
        _ = fp.prise


LAZY = """
import sys
import fangpinbao as fp
loaded = sorted(name for name in sys.modules if name.startswith("fangpinbao."))
assert not loaded, loaded
assert not {"numpy", "pandas", "numba", "scipy", "matplotlib"} & set(sys.modules)
fp.scenario_names()
assert not {"numba", "scipy.stats", "matplotlib"} & set(sys.modules)
import fangpinbao.engine
from fangpinbao.engine import Engine
assert callable(fp.simulate) and fp.simulate.__name__ == "simulate", fp.simulate
assert fp.simulate is fp.simulate
for name in fp.__all__:
    getattr(fp, name)
assert not {"scipy.stats", "matplotlib.pyplot"} & set(sys.modules)
"""


@pytest.mark.smoke
def test_names_are_imported_when_they_are_first_used() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", LAZY], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("call", [fp.simulate, fp.variance_split])
def test_a_request_that_cannot_be_is_refused_all_at_once(call) -> None:
    scenario = fp.load_scenario("textbook/deductible-pareto")
    with pytest.raises(fp.InputError) as caught:
        call(scenario, years=0, seed=-1, threads=2.0)
    assert [str(problem) for problem in caught.value.problems] == [
        "years = 0 must be at least 1. Raise it.",
        "threads = 2.0 is not a whole number. Write one without a point.",
        "seed = -1 must be at least 0. Raise it.",
    ]


def test_a_request_of_a_catastrophe_contract_is_refused_alike() -> None:
    scenario = fp.load_scenario("yinchuan-2019")
    with pytest.raises(fp.InputError, match="years = 0 must be at least 1"):
        fp.simulate_catastrophe(scenario, years=0)


def test_a_seed_beyond_what_keys_hold_is_refused() -> None:
    with pytest.raises(fp.InputError, match=f"seed = {2**64} must be at most {2**63 - 1}. Lower it."):
        fp.simulate(fp.load_scenario("textbook/deductible-pareto"), years=1, seed=2**64)


def test_more_years_than_memory_holds_are_refused() -> None:
    with pytest.raises(fp.InputError, match=r"years = 1000000000 must be at most 10000000\. Lower it\."):
        fp.simulate(fp.load_scenario("textbook/deductible-pareto"), years=10**9)
