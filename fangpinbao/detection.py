"""From alert to payout under detection designs, side by side on the same years, with everybody found beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fangpinbao import estimators, yearly
from fangpinbao._typing import Int64Array
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate
from fangpinbao.funnel_figures import STAGES, funnel_estimates
from fangpinbao.outcomes import Outcomes
from fangpinbao.records import line_label
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.likeness import fill_likenesses
from fangpinbao.scenario.risk_checks import MOST_CASES
from fangpinbao.scenario.vocabulary import LINES

__all__ = [
    "Funnel",
    "Trial",
    "funnel",
    "funnel_of",
    "funnels_of_run",
    "kept_label",
    "run_trials",
    "trials_of",
]

_FEN = 0.01
_WITH_RELIEF = (
    "households kept above a line are left out: the programme's own relief keeps some, found or not",
    "未列保持在线上的户数：方案自有救助也使部分住户（无论是否被发现）保持在线上",
)
_CUT = (
    "what all found at once would change is left out: the limit over all cuts payments in some years",
    "未列全部即时获赔时的结果：部分年份总限额削减了赔款",
)
_Progress = Callable[[float], None]


@dataclass(frozen=True)
class Funnel:
    """The alert-to-payout funnel of a design in a mean year.

    Attributes
    ----------
    design
        Name of the design, or of the programme in a run of a scenario.
    households
        By stage, of those whose claim is due.
    kept
        By stage after the first, share of the stage before that reaches it.
    by_channel
        Households due, listed and alerted that each channel finds (some are found by several).
    wrong
        Households paid although a test fails.
    payout, late, wrong_payout
        Yuan: paid in the end; of it after the year; of it to ``wrong``.
    mean_delay
        Days from the last event that a coverage reads to payment, over households paid.
    prevented
        Households by line, kept above it by what came in time; empty where the programme pays relief of its own,
        which keeps households too.
    paid_within_year
        Share of the payout that comes in time.
    due_payout, take_up, prevented_if_found
        What would be paid if all were found at once; paid, without ``wrong``, over that; kept above each line then.
        None in a run that does not settle this too; the last two also where a limit over all cut payments, since
        then the limit decides what is paid.
    notes
        What was left out, and why, in English and Chinese.
    """

    design: str
    label: tuple[str, str]
    years: int
    households: Mapping[str, Estimate]
    kept: Mapping[str, Estimate]
    by_channel: Mapping[str, tuple[tuple[str, str], Estimate]]
    wrong: Estimate
    payout: Estimate
    late: Estimate
    wrong_payout: Estimate
    mean_delay: Estimate
    prevented: Mapping[str, Estimate]
    paid_within_year: Estimate
    due_payout: Estimate | None = None
    take_up: Estimate | None = None
    prevented_if_found: Mapping[str, Estimate] | None = None
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Trial:
    """A design tried on a programme: ``table`` is the design as a scenario file holds it."""

    design: str
    label: tuple[str, str]
    programme: str
    table: Mapping[str, Any]


def funnel_of(
    outcomes: Outcomes,
    programme: str,
    *,
    all_found: str | None = None,
    design: str | None = None,
    label: tuple[str, str] | None = None,
) -> Funnel:
    """Return the funnel of a programme of a run.

    Parameters
    ----------
    programme
        One with a detection design.
    all_found
        A programme of the run that differs only in that everybody is found at once.
    design, label
        What the funnel is called; absent: as the programme.
    """
    years, money = outcomes.years, outcomes.column(programme, "payout_fen")
    found = {(measure, group): one for measure, group, one in funnel_estimates(outcomes, programme)}
    cases = outcomes.compiled.cases
    channels = {
        name: (_names(terms.label, name), found["funnel_found", name])
        for name, terms in cases.designs[cases.index(programme)].channels.items()
    }
    late = outcomes.column(programme, "late_fen")
    due, take_up, if_found = None, None, None
    has_relief, is_cut = yearly.has_own_relief(outcomes, programme), _is_cut(outcomes, programme, all_found)
    if all_found is not None:
        whole = outcomes.column(all_found, "payout_fen")
        due = _yuan(outcomes, whole)
        if not is_cut:
            right = money - outcomes.funnel_column(programme, "funnel_wrong_fen")
            take_up = estimators.ratio(right, whole, years, "share")
        if not is_cut and not has_relief:
            if_found = {line: _prevented(outcomes, all_found, line) for line in LINES}
    return Funnel(
        design=design or programme,
        label=label or _names(outcomes.scenario.programmes[programme].label, programme),
        years=outcomes.n_years,
        households={stage: found[f"funnel_{stage}", None] for stage in STAGES},
        kept={stage: found["funnel_kept", stage] for stage in list(STAGES)[1:]},
        by_channel=channels,
        wrong=found["funnel_wrong", None],
        payout=_yuan(outcomes, money),
        late=_yuan(outcomes, late),
        wrong_payout=found["funnel_wrong_payout", None],
        mean_delay=found["funnel_days", None],
        prevented={} if has_relief else {line: _prevented(outcomes, programme, line) for line in LINES},
        paid_within_year=estimators.ratio(money - late, money, years, "share"),
        due_payout=due,
        take_up=take_up,
        prevented_if_found=if_found,
        notes=(
            *([_WITH_RELIEF] if has_relief else []),
            *([_CUT] if is_cut and all_found is not None else []),
        ),
    )


def _is_cut(outcomes: Outcomes, *programmes: str | None) -> bool:
    """Whether a limit over all cut what some of the programmes paid in some year."""
    return any(
        name is not None
        and (limit := outcomes.scenario.programmes[name].aggregate) is not None
        and limit.rule != "topped_up"
        and len(outcomes.limited_years.get(name, ())) > 0
        for name in programmes
    )


def funnels_of_run(outcomes: Outcomes) -> list[Funnel]:
    """Return the funnel of every programme of a run that has a detection design."""
    return [funnel_of(outcomes, name) for name in outcomes.compiled.cases.programmes]


def kept_label(line: str, lang: Literal["en", "zh"]) -> str:
    """Return the label of the households that what came in time keeps above a line."""
    name = line_label(line, lang)
    return f"保持在{name}之上" if lang == "zh" else f"kept above the {name}"


def funnel(
    scenario: Scenario,
    years: int,
    *,
    seed: int | None = None,
    designs: list[str] | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> list[Funnel]:
    """Return the funnel of each detection design of a scenario; all meet the same years.

    Raises
    ------
    InputError
        If there is no design, or no such one.
    """
    trials = trials_of(scenario, designs)
    return run_trials(scenario, trials, years, seed=seed, threads=threads, progress=progress)


def trials_of(scenario: Scenario, designs: list[str] | None = None) -> list[Trial]:
    """Return the designs with the programme that each is for: the one it names, or that names it, or the first.

    The first is that of the insurance programmes: nobody is found for public rules or for relief alone.

    Raises
    ------
    InputError
        As :func:`funnel`.
    """
    known, programmes = scenario.detection, scenario.programmes
    if not known:
        cure = "Add one, or lay a part over the scenario, e.g. --with parts/detection-2020."
        raise InputError(scenario.name, [Problem("detection", f"has no design. {cure}")])
    chosen = list(known) if designs is None else designs
    problems = [
        Problem("design", f"= {name!r} is not one of {', '.join(known)}.")
        for name in chosen
        if name not in known
    ]
    if problems:
        raise InputError("the request", problems)
    insurance = [name for name, programme in programmes.items() if programme.kind == "insurance"]
    full, trials = scenario.document, []
    fill_likenesses(full)
    document = full["detection"]
    for name in chosen:
        naming = [one for one, programme in programmes.items() if programme.detection == name]
        programme = known[name].programme or (naming or insurance)[0]
        trials.append(Trial(name, _names(known[name].label, name), programme, document[name]))
    return trials


def run_trials(
    scenario: Scenario,
    trials: list[Trial],
    years: int,
    *,
    seed: int | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> list[Funnel]:
    """Return the funnel of each trial, from runs of as many programmes at once as can be."""
    funnels: list[Funnel] = []
    runs = [trials[first : first + MOST_CASES] for first in range(0, len(trials), MOST_CASES)]
    for number, some in enumerate(runs):
        tried, names = _tried(scenario, some)

        def report(done: float, number: int = number) -> None:
            if progress is not None:
                progress((number + done) / len(runs))

        outcomes = simulate(tried, years, seed, threads=threads, progress=report)
        for k, trial in enumerate(some):
            funnels.append(
                funnel_of(
                    outcomes,
                    f"trial_{k}",
                    all_found=names[trial.programme],
                    design=trial.design,
                    label=trial.label,
                )
            )
    return funnels


def _tried(scenario: Scenario, trials: Iterable[Trial]) -> tuple[Scenario, dict[str, str]]:
    """Return the scenario with a programme for each trial and one for each of their programmes, all found at once."""
    document = scenario.document
    fill_likenesses(document)
    given, programmes, designs = document["programmes"], {}, {}
    names: dict[str, str] = {}
    for k, trial in enumerate(trials):
        if trial.programme not in names:
            names[trial.programme] = f"found_{len(names)}"
            programmes[names[trial.programme]] = _all_found(given[trial.programme])
        programmes[f"trial_{k}"] = {
            "like": names[trial.programme],
            "label": {"en": trial.label[0], "zh": trial.label[1]},
            "detection": f"trial_{k}",
        }
        designs[f"trial_{k}"] = {
            key: value for key, value in trial.table.items() if key not in ("programme", "like")
        }
    document["programmes"], document["detection"] = programmes, designs
    document.pop("relief_designs", None)
    return Scenario.from_document(document, file=scenario.file), names


def _all_found(programme: Mapping[str, Any]) -> dict[str, Any]:
    """Return a programme's table without take-up, delay and design."""
    dropped = ("take_up", "paid_within_year")
    table = {key: value for key, value in programme.items() if key not in ("detection", "like")}
    table["coverages"] = {
        coverage: {key: value for key, value in terms.items() if key not in dropped}
        for coverage, terms in table["coverages"].items()
    }
    return table


def _names(label: object, name: str) -> tuple[str, str]:
    return (getattr(label, "en", name), getattr(label, "zh", name))


def _yuan(outcomes: Outcomes, fen: Int64Array) -> Estimate:
    return estimators.mean(fen, outcomes.years, "fen").scaled(_FEN, "yuan")


def _prevented(outcomes: Outcomes, programme: str, line: str) -> Estimate:
    kinds = (outcomes.column(programme, f"households_prevented_{kind}", line) for kind in ("return", "entry"))
    return estimators.mean(sum(kinds), outcomes.years, "households")
