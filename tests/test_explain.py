"""The page on one household's year says what the engine did, to the fen."""

import functools
import re
from collections import Counter
from pathlib import Path

import pytest

from fangpinbao.compiled import schedule_of
from fangpinbao.engine import Engine, simulate
from fangpinbao.errors import InputError
from fangpinbao.explain import Explanation, _Page, explain
from fangpinbao.household_year import HouseholdYear
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario, load_scenario

SMALL = Path(__file__).parent / "data_cli" / "small.toml"
PATHS = (0, 1)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    # Half the people: every page settles the year again.
    small = {"population.persons": 240, "programmes.capped.aggregate.limit": 30_000}
    return load_scenario(SMALL).replace_all(small)


@pytest.fixture(scope="module")
def engine(scenario: Scenario) -> Engine:
    # Small blocks, so that positions within a block differ from those in the population.
    return Engine(scenario, seed=scenario.simulation.seed, block_persons=100)


@pytest.fixture(scope="module")
def outcomes(scenario: Scenario) -> Outcomes:
    return simulate(scenario, 8, threads=1)


@functools.cache
def pages_of(engine: Engine, path: int, programme: str) -> list[Explanation]:
    p = engine.compiled.tree.programmes.index(programme)
    households = range(engine.population.households)
    return [_Page(HouseholdYear(engine, path, h, p), "en").explanation() for h in households]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("programme", ["none", "base", "capped"])
def test_payments_of_all_households_add_up_to_the_simulated_ones(
    engine: Engine, outcomes: Outcomes, programme: str, path: int
) -> None:
    paid: Counter[str] = Counter()
    for page in pages_of(engine, path, programme):
        for payment in page.payments:
            paid[payment.step] += payment.paid_fen
    tree = outcomes.compiled.tree
    steps = tree.members[tree.programmes.index(programme)]

    assert {tree.nodes[s].name: int(outcomes.sums.step_paid[path, s]) for s in steps} == {
        tree.nodes[s].name: paid[tree.nodes[s].name] for s in steps
    }
    assert sum(paid.values()) > 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("programme", ["base", "capped"])
def test_classes_of_all_households_are_the_simulated_counts(
    engine: Engine, outcomes: Outcomes, programme: str, path: int
) -> None:
    pages = pages_of(engine, path, programme)
    for line in ("poverty", "monitoring"):
        counts = Counter(page.classes[line] for page in pages)
        counts["already_poor"] += counts["lifted"]
        counts["never_at_risk"] += counts["induced"]
        for name, count in counts.items():
            assert outcomes.column(programme, f"households_{name}", line)[path] == count, (line, name)


def test_the_aggregate_limit_is_named_where_it_cuts(engine: Engine, outcomes: Outcomes) -> None:
    path = int(outcomes.limited_years["capped"][0])
    pages = pages_of(engine, path, "capped")
    cut = [reason for page in pages for payment in page.payments for reason in payment.reasons]

    assert (
        sum(payment.paid_fen for page in pages for payment in page.payments if payment.programme) == 3_000_000
    )
    assert any(reason.startswith("the programme's limit for all brings it down from") for reason in cut)


def test_the_steps_named_lead_to_the_payment(engine: Engine, scenario: Scenario) -> None:
    """The amounts on the page add up to what is paid, wherever the schedule alone decides."""
    education = scenario.programmes["base"].coverages["education"]
    seen = 0
    for page in pages_of(engine, 0, "base"):
        for payment in page.payments:
            if payment.step == "base.education" and payment.paid_fen:
                numbers = [
                    float(reason.split(" = ")[1].replace(",", ""))
                    for reason in payment.reasons
                    if " = " in reason
                ]
                assert round(100 * sum(numbers)) == payment.paid_fen
                assert payment.paid_fen == round(schedule_of(education)(round(payment.amount_fen)))
                seen += 1
    assert seen


def reasons_by_step(engine: Engine, programme: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in range(3):
        for page in pages_of(engine, path, programme):
            for payment in page.payments:
                found.setdefault(payment.step, set()).update(payment.reasons)
    return found


def test_every_kind_of_refusal_is_explained(engine: Engine) -> None:
    base, capped = reasons_by_step(engine, "base"), reasons_by_step(engine, "capped")

    def says(reasons: set[str], pattern: str) -> bool:
        return any(re.search(pattern, reason) for reason in reasons)

    assert says(
        base["base.illness"], r"income test failed: -?[\d,.]+ a head after the shock is not below 5,000.00"
    )
    assert says(base["base.illness"], r"not taken up: .*take-up 80%")
    assert says(base["base.illness"], r"[\d,.]+ does not reach 3,000.00")
    assert says(base["base.illness"], r"90% of it comes within the year")
    assert says(base["base.illness"], r"limit 20,000.00 reached")
    assert says(base["base.education"], r"not eligible: class is unstable lifted-out, needed marginal")
    assert says(base["base.education"], r"limit 3,000.00 reached: nothing on the last")
    assert says(base["base.death"], r"the scale pays 5,000.00 for 5")
    assert says(base["basic"], r"not eligible: enrolled in the basic scheme is no, needed yes")
    assert says(base["assistance"], r"not eligible: dibao is no, needed yes")
    assert says(capped["capped.costs"], r"spending test failed: rigid spending [\d,.]+ does not exceed")
    assert says(capped["capped.costs"], r"events of the first 90 days do not count")


def test_a_payment_is_never_zero_without_a_reason(engine: Engine) -> None:
    for programme in ("base", "capped"):
        for page in pages_of(engine, 1, programme):
            for payment in page.payments:
                assert payment.reasons, payment


@pytest.mark.smoke
def test_the_page_in_both_languages_holds_the_same_numbers(scenario: Scenario) -> None:
    english, chinese = (explain(scenario, 2, lang=lang) for lang in ("en", "zh"))

    assert any(payment.paid_fen for payment in english.payments if payment.programme)
    assert [payment.paid_fen for payment in english.payments] == [
        payment.paid_fen for payment in chinese.payments
    ]
    assert (english.without_fen, english.insured_fen) == (chinese.without_fen, chinese.insured_fen)
    assert "What it meant" in str(english)
    assert "结果（元，全户）" in str(chinese)
    assert not re.search(r"[a-z]{4,} [a-z]{2,}", str(chinese))
    assert explain(scenario, 2, english.household) == english


def test_events_are_dated_and_in_order(scenario: Scenario) -> None:
    page = explain(scenario, 1)
    days = [event.day for event in page.events if event.day is not None]

    assert days == sorted(days)
    assert all(1 <= day <= 365 for day in days)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"household": "nobody"}, "household = 'nobody' is not in the population; ids look like"),
        ({"programme": "bse"}, "programme = 'bse' is not one of none, base, capped."),
        ({"path": -1}, "path = -1 must be 0 or more."),
    ],
)
def test_a_request_for_what_does_not_exist_is_refused(
    scenario: Scenario, arguments: dict[str, object], says: str
) -> None:
    with pytest.raises(InputError) as caught:
        explain(scenario, **{"path": 0, **arguments})  # type: ignore[arg-type]

    assert str(caught.value.problems[0]).startswith(says)


def test_who_lacks_a_tag_or_is_of_the_other_sex_is_told_so() -> None:
    scenario = load_scenario(SMALL).replace_all(
        {
            "population.persons": 120,
            "population.classes.marginal.tags": {"farmer": 0.5},
            "programmes.base.coverages.illness.where": {"tags": ["farmer"], "sex": "female"},
            "programmes.base.coverages.education.where": {"without_tags": ["farmer"]},
        }
    )
    engine = Engine(scenario, seed=scenario.simulation.seed)
    told: dict[str, set[str]] = {"en": set(), "zh": set()}
    for h in range(engine.population.households):
        year = HouseholdYear(engine, 0, h, 1)
        for lang, words in told.items():
            payments = _Page(year, lang).explanation().payments
            words.update(reason for payment in payments for reason in payment.reasons)
    english = {"bears none of: farmer", "bears one of: farmer", "sex is male, needed female"}
    assert {f"not eligible: {reason}" for reason in english} <= told["en"]
    chinese = {"不具有标签：farmer", "具有标签：farmer", "性别为男，要求女"}
    assert {f"不符合条件：{reason}" for reason in chinese} <= told["zh"]
