"""Textbook problems: printed answer, our own derivation, and the simulation of the shipped scenario.

``python tests/test_textbook.py`` prints the table of ``docs/textbook.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from fangpinbao import estimators
from fangpinbao.engine import simulate
from fangpinbao.estimators import Estimate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import load_scenario, scenario_names

# ------------------------------------------------------------------ derivations, in pencil-and-paper form


def pareto_limited(x: float, alpha: float, theta: float) -> float:
    """E[X ^ x] of a Pareto law, Loss Models, Appendix A."""
    return theta / (alpha - 1) * (1 - (theta / (x + theta)) ** (alpha - 1))


def burr_limited(x: float) -> float:
    """E[X ^ x] for alpha = 3/2, gamma = 2, theta = 6500: the integral of (1 + (t / theta)^2)^(-3/2)."""
    return x / math.hypot(1, x / 6500)


def weibull_limited(x: np.ndarray | float) -> np.ndarray:
    """E[X ^ x] for shape 1/2, scale 2000: the integral of exp(-sqrt(t / scale))."""
    root = np.sqrt(np.asarray(x) / 2000)
    return 4000 * (1 - (1 + root) * np.exp(-root))


def compound_poisson(rate: float, severity: list[float], size: int = 200) -> np.ndarray:
    """Probabilities of a compound Poisson total by Panjer's recursion; ``severity[k]`` = P(X = k)."""
    total = np.zeros(size)
    total[0] = math.exp(-rate)
    for s in range(1, size):
        terms = (k * p * total[s - k] for k, p in enumerate(severity) if 0 < k <= s)
        total[s] = rate / s * sum(terms)
    return total


def nested_year() -> np.ndarray:
    """Law of a person's year: events of at most 2, then 2 off the year, then at most 4."""
    year = compound_poisson(2, [0, 1 / 3, 2 / 3])
    paid = np.clip(np.arange(year.size) - 2, 0, 4)
    return np.bincount(paid, weights=year)


def nested_group() -> float:
    """Mean of ten such years together, limited to 18."""
    group = np.ones(1)
    for _ in range(10):
        group = np.convolve(group, nested_year())
    return float(group @ np.minimum(np.arange(group.size), 18))


def weibull_group(limit: float, step: float = 10.0, cells: int = 2**18) -> float:
    """E[S ^ limit] of the claims above 500 of twenty persons, by Fourier transform.

    Each claim is spread over the grid so that its mean up to every grid point is kept.
    """
    at = step * np.arange(cells + 1)
    limited = weibull_limited(at + 500) - weibull_limited(500)
    claim = np.empty(cells)
    claim[0] = 1 - limited[1] / step
    claim[1:] = (2 * limited[1:-1] - limited[:-2] - limited[2:]) / step
    size, mean = 20 * 0.5, 20 * 0.6  # the sum of twenty negative binomial numbers is one again
    year = np.fft.irfft((1 + mean / size * (1 - np.fft.rfft(claim))) ** -size, cells)
    return float(year @ np.minimum(at[:-1], limit))


def total_of(*terms: float) -> float:
    """Sum, rounded once."""
    return math.fsum(terms)


# ------------------------------------------------------------------ what is read from a run


@cache
def run_of(name: str) -> Outcomes:
    return simulate(load_scenario(f"textbook/{name}"))


def per_person(out: Outcomes, programme: str) -> Estimate:
    persons = out.compiled.population.persons
    return estimators.mean(out.yuan_by_year(programme), out.years, "yuan").scaled(1 / persons, "yuan")


def per_group(out: Outcomes, programme: str) -> Estimate:
    return estimators.mean(out.yuan_by_year(programme), out.years, "yuan")


def per_payment(out: Outcomes, programme: str) -> Estimate:
    (step,) = out.stack(programme)
    return estimators.ratio(
        out.sums.step_paid[:, step] / 100, out.sums.step_claims[:, step], out.years, "yuan"
    )


def eliminated(out: Outcomes, programme: str) -> Estimate:
    loss = out.sums.ground_up.sum(axis=1) / 100
    return estimators.ratio(loss - out.yuan_by_year(programme), loss, out.years, "share")


def stop_loss(out: Outcomes, programme: str) -> Estimate:
    return estimators.difference(out.yuan_by_year("whole"), out.yuan_by_year(programme), out.years, "yuan")


@dataclass(frozen=True)
class Answer:
    """One figure of a problem; ``noted`` is the text in the scenario's note, ``printed`` says by whom."""

    scenario: str
    programme: str
    figure: str
    read: Callable[[Outcomes, str], Estimate]
    noted: str
    derived: float
    printed: bool = True

    @property
    def decimals(self) -> int:
        return len(self.noted.partition(".")[2])

    def __str__(self) -> str:
        return f"{self.scenario}-{self.programme}-{self.figure}".replace(" ", "_")


_F8 = math.exp(-5000 / 100_000)  # P(X > 5000 | X > 0) of the loss with a mass at 0
_N5 = [0.2 * 0.8**n for n in range(3)]  # geometric, mean 4

ANSWERS = [
    Answer("deductible-pareto", "ordinary", "per loss", per_person, "640",
           1000 - pareto_limited(500, 3, 2000)),
    Answer("deductible-pareto", "ordinary", "per payment", per_payment, "1,250",
           (1000 - pareto_limited(500, 3, 2000)) / 0.8**3),
    Answer("deductible-pareto", "ordinary", "loss eliminated", eliminated, "0.36",
           pareto_limited(500, 3, 2000) / 1000),
    Answer("deductible-pareto", "franchise", "per loss", per_person, "896",
           1000 - pareto_limited(500, 3, 2000) + 500 * 0.8**3),
    Answer("deductible-pareto", "franchise", "per payment", per_payment, "1,750",
           (1000 - pareto_limited(500, 3, 2000)) / 0.8**3 + 500),
    Answer("deductible-mass-at-zero", "ordinary", "per loss", per_person, "28,536.88", 0.3 * 100_000 * _F8),
    Answer("deductible-mass-at-zero", "ordinary", "per payment", per_payment, "100,000", 100_000),
    Answer("deductible-mass-at-zero", "franchise", "per loss", per_person, "29,963.73", 0.3 * 105_000 * _F8),
    Answer("deductible-mass-at-zero", "franchise", "per payment", per_payment, "105,000", 105_000),
    Answer("limit-mixture", "limited", "per claim", per_person, "166.424",
           0.8 * 50 * -math.expm1(-20) + 0.2 * 1000 * -math.expm1(-1)),
    Answer("bands-pareto", "cover", "per person-year", per_person, "2,699.36",
           0.8 * (pareto_limited(6000, 2, 5000) - pareto_limited(1000, 2, 5000))
           + 0.9 * (5000 - pareto_limited(14_000, 2, 5000))),
    Answer("annual-deductible-geometric", "stop_loss", "per person-year", per_person, "92.16",
           160 - total_of(40 * _N5[1], 80 * _N5[2], 100 * (1 - sum(_N5)))),
    Answer("annual-deductible-poisson", "excess", "per person-year", per_person, "0.7365",
           2.8 - 3 + (3 + 2 * 1.2 + 1 * 1.52) * math.exp(-2)),
    Answer("group-stop-loss", "kept", "stop-loss premium", stop_loss, "2.06", 3 * 1.0 - (1 - 0.4**3)),
    Answer("nested-terms", "annual", "per person-year", per_person, "2.36",
           4 - 2 + (2 + 2 / 3) * math.exp(-2)),
    Answer("nested-terms", "nested", "per person-year", per_person, "1.4625",
           float(nested_year() @ np.arange(5)), printed=False),
    Answer("nested-terms", "group", "per group-year", per_group, "13.8760", nested_group(), printed=False),
    Answer("order-burr", "cap_on_loss", "per loss", per_person, "1,680",
           0.8 * (burr_limited(15_600) - burr_limited(4875)), printed=False),
    Answer("order-burr", "cap_on_payment", "per loss", per_person, "1,644.94",
           0.8 * (burr_limited(4875 + 8000 / 0.8) - burr_limited(4875)), printed=False),
    Answer("order-burr", "share_first", "per loss", per_person, "1,265.10",
           0.8 * (burr_limited((4875 + 8000) / 0.8) - burr_limited(4875 / 0.8)), printed=False),
    Answer("aggregate-limit-weibull", "unlimited", "per group-year", per_group, "43,670",
           20 * 0.6 * (4000 - float(weibull_limited(500))), printed=False),
    Answer("aggregate-limit-weibull", "limited", "per group-year", per_group, "35,384",
           weibull_group(60_000), printed=False),
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_derivation_gives_the_noted_digits(answer):
    assert f"{answer.derived:,.{answer.decimals}f}" == answer.noted


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_note_of_the_scenario_states_the_answer(answer):
    note = load_scenario(f"textbook/{answer.scenario}").note
    assert answer.noted in " ".join(note.split())
    assert ("rinted answer" in note.replace("No printed answer", "")) or not answer.printed


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_simulation_meets_the_answer_within_four_errors(answer):
    found = answer.read(run_of(answer.scenario), answer.programme)
    assert found.standard_error > 0
    assert abs(found.value - answer.derived) < 4 * found.standard_error


def test_errors_are_small_enough_to_mean_something():
    for answer in ANSWERS:
        found = answer.read(run_of(answer.scenario), answer.programme)
        assert found.standard_error < 0.02 * answer.derived, str(answer)


def test_every_shipped_textbook_scenario_is_bare_and_has_an_answer():
    shipped = {name.partition("/")[2] for name in scenario_names() if name.startswith("textbook/")}
    assert shipped == {answer.scenario for answer in ANSWERS}
    for name in shipped:
        scenario = load_scenario(f"textbook/{name}")
        assert not scenario.layers
        assert not scenario.relief
        assert not scenario.population.classes
        assert scenario.lines is None
        assert set(scenario.programmes) == {
            answer.programme for answer in ANSWERS if answer.scenario == name
        } | ({"whole"} if name == "group-stop-loss" else set())


def test_printed_answers_come_from_published_sources():
    for answer in ANSWERS:
        scenario = load_scenario(f"textbook/{answer.scenario}")
        terms = [n for n in scenario.numbers if n.place.startswith(f"programmes.{answer.programme}.")]
        if answer.printed and terms:
            assert {number.status for number in terms} == {"published"}


@pytest.mark.parametrize(
    ("name", "free", "limited", "limit"),
    [
        ("group-stop-loss", "whole", "kept", 1),
        ("nested-terms", "nested", "group", 18),
        ("aggregate-limit-weibull", "unlimited", "limited", 60_000),
    ],
)
def test_aggregate_limit_is_exact_in_every_year(name, free, limited, limit):
    out = run_of(name)
    paid, before = out.column(limited, "payout_fen"), out.column(free, "payout_fen")
    np.testing.assert_array_equal(paid, np.minimum(before, 100 * limit))
    assert 0 < (paid < before).sum() < out.n_years


def test_document_holds_the_table_as_it_is_printed(request):
    assert f"{table()}\n" in (request.config.rootpath / "docs" / "textbook.md").read_text("utf-8")


def table() -> str:
    rows = [
        "| scenario | programme | figure | printed | derived | simulated |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    for answer in ANSWERS:
        found = answer.read(run_of(answer.scenario), answer.programme)
        digits = max(0, 1 - math.floor(math.log10(found.standard_error)))
        simulated = f"{found.value:,.{digits}f} ± {found.standard_error:,.{digits}f}"
        printed = answer.noted if answer.printed else "-"
        rows.append(
            f"| `{answer.scenario}` | `{answer.programme}` | {answer.figure} | {printed} "
            f"| {answer.noted} | {simulated} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
