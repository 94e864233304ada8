"""Checks that need more than one table: references, levels, and terms that could never pay.

They read the plain document, not the models, so that they run beside the field checks even when some
field is wrong, and every problem is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fangpinbao.errors import Problem
from fangpinbao.scenario.area_rules import area_problems
from fangpinbao.scenario.base import MOST_TOWNSHIPS
from fangpinbao.scenario.catastrophe_checks import catastrophe_checks
from fangpinbao.scenario.limit_checks import limit_problems
from fangpinbao.scenario.plain import Document, list_at, table_at, tables_at, unknown
from fangpinbao.scenario.relief_checks import relief_problems
from fangpinbao.scenario.risk_checks import risk_problems
from fangpinbao.scenario.vocabulary import ACCOUNTS

__all__ = ["cross_check"]


def cross_check(document: Document, folder: Path) -> list[Problem]:
    """Return every problem between tables; ``folder`` is where a roster's relative path starts."""
    accounts = _accounts(document)
    problems = [*_references(document, accounts), *_coverages(document, accounts), *_stacks(document)]
    problems += _population(document, folder)
    problems += _lines(document)
    problems += _layers(document)
    problems += _shared_limits(document, accounts)
    problems += limit_problems(document, accounts)
    problems += risk_problems(document)
    problems += relief_problems(document)
    problems += catastrophe_checks(document, folder)
    problems += area_problems(document, accounts)
    if "population" not in document and "catastrophe" not in document:
        problems.append(Problem("population", "is missing. Add it."))
    return problems


def _accounts(document: Document) -> dict[str, tuple[str, str]]:
    known: dict[str, tuple[str, str]] = {
        name: (account.level, account.kind) for name, account in ACCOUNTS.items()
    }
    for name, table in tables_at(document, "accounts").items():
        known[name] = (str(table.get("level")), str(table.get("kind")))
    return known


def _references(document: Document, accounts: dict[str, tuple[str, str]]) -> Iterator[Problem]:
    names = list(accounts)
    factors = list(tables_at(document, "year_factors"))
    for name in tables_at(document, "accounts"):
        if name in ACCOUNTS:
            yield Problem(f"accounts.{name}", "is a built-in account already. Choose another name.")
    for name, peril in tables_at(document, "perils").items():
        for index, factor in enumerate(list_at(peril, "year_factors")):
            if factor not in factors:
                yield unknown(f"perils.{name}.year_factors[{index}]", factor, factors, "a year factor")
        for index, booking in enumerate(list_at(peril, "books")):
            account = booking.get("account") if isinstance(booking, dict) else None
            if isinstance(account, str) and account not in accounts:
                yield unknown(f"perils.{name}.books[{index}].account", account, names, "an account")
    for name, cost in tables_at(document, "certain_costs").items():
        account = cost.get("account")
        if isinstance(account, str) and account not in accounts:
            yield unknown(f"certain_costs.{name}.account", account, names, "an account")


def _steps(document: Document) -> Iterator[tuple[str, Document]]:
    for name, layer in tables_at(document, "layers").items():
        yield f"layers.{name}", layer
    for programme_name, programme in tables_at(document, "programmes").items():
        for name, coverage in tables_at(programme, "coverages").items():
            yield f"programmes.{programme_name}.coverages.{name}", coverage


def _booked(document: Document) -> set[str]:
    books = [book for peril in tables_at(document, "perils").values() for book in list_at(peril, "books")]
    costs = [
        *(book for book in books if isinstance(book, dict)),
        *tables_at(document, "certain_costs").values(),
    ]
    return {account for cost in costs if isinstance(account := cost.get("account"), str)}


def _coverages(document: Document, accounts: dict[str, tuple[str, str]]) -> Iterator[Problem]:
    booked = _booked(document)
    for place, step in _steps(document):
        read = [account for account in list_at(step, "accounts") if isinstance(account, str)]
        for index, account in enumerate(read):
            if account not in accounts:
                yield unknown(f"{place}.accounts[{index}]", account, list(accounts), "an account")
        known = [account for account in read if account in accounts]
        if known and not booked.intersection(known):
            what = "coverage" if place.startswith("programmes.") else "layer"
            yield Problem(
                f"{place}.accounts",
                f"= {read} are booked by no peril or certain cost, so the {what} can never pay. "
                "Name an account that is booked, or add a peril.",
            )
        levels = {accounts[account][0] for account in known}
        unit = step.get("unit", "person_year")
        if "household" in levels and unit in ("person_year", "discharge"):
            yield Problem(
                f"{place}.unit",
                f"= {unit!r} cannot be applied to household accounts ({', '.join(known)}). "
                'Write unit = "household_year".',
            )
        kinds = {accounts[account][1] for account in known}
        if "points" in kinds:
            if len(kinds) > 1:
                yield Problem(f"{place}.accounts", "mixes points with money. Make two coverages.")
            if unit in ("household_year", "discharge"):
                yield Problem(
                    f"{place}.unit", f"= {unit!r} cannot pay by points. Drop it: points are paid per event."
                )
            for key in ("variants", "per_event"):
                if step.get(key):
                    yield Problem(
                        f"{place}.{key}",
                        "cannot stand beside points. Make one coverage for each group, with its own where.",
                    )
            if "scale" not in step and "fixed_sum" not in step and "contract" not in step:
                yield Problem(
                    place, "reads points of death or disability but has no scale or fixed_sum. Add a scale."
                )
        else:
            for key in ("scale", "fixed_sum"):
                if known and key in step:
                    yield Problem(
                        f"{place}.{key}",
                        f"needs an account of points, such as death_or_disability; {known} are money. "
                        "Use deductible, rate, bands and limit.",
                    )


def _shared_limits(document: Document, accounts: dict[str, tuple[str, str]]) -> Iterator[Problem]:
    """A household's payment for members' costs is split by person, so it cannot be taken off a shared limit."""
    for name, programme in tables_at(document, "programmes").items():
        coverages = tables_at(programme, "coverages")
        for shared_name, shared in tables_at(programme, "shared_limits").items():
            for coverage in list_at(shared, "coverages"):
                step = coverages.get(str(coverage), {})
                read = [
                    accounts[str(account)]
                    for account in list_at(step, "accounts")
                    if str(account) in accounts
                ]
                is_money = ("person", "points") not in read
                if is_money and step.get("unit") == "household_year" and "person" in dict(read):
                    yield Problem(
                        f"programmes.{name}.shared_limits.{shared_name}.coverages",
                        f"name {coverage}, which pays a household for members' costs; only household accounts can "
                        "share a household's limit. Leave it out.",
                    )


def _layers(document: Document) -> Iterator[Problem]:
    """Public layers and relief: what the engine needs of them."""
    for name, layer in tables_at(document, "layers").items():
        test = layer.get("income_test")
        after = isinstance(test, dict) and test.get("moment", "after_shock") == "after_shock"
        late: list[str] = [key for key in ("spending_test", "take_up", "paid_within_year") if key in layer]
        late += ["income_test"] if after else []
        if layer.get("payer_kind", "public") != "public":
            yield Problem(
                f"layers.{name}.payer_kind",
                f'= {layer["payer_kind"]!r} is for steps of a programme of kind = "rules"; layers are public money. '
                "Move the step there, or drop the key.",
            )
        for key in late:
            yield Problem(
                f"layers.{name}.{key}",
                'is decided from the stack "none", of which a public layer is part. '
                'Use where, or income_test with moment = "before_year".',
            )
    relief = list(tables_at(document, "relief").items())
    for name, top_up in relief[1:]:
        for key, default in (("on", "income_minus_rigid"), ("benefits_count", False)):
            first = relief[0][1].get(key, default)
            if top_up.get(key, default) != first:
                yield Problem(
                    f"relief.{name}.{key}",
                    f"must be the same for all relief ({relief[0][0]} has {first!r}). Align them.",
                )


def _stacks(document: Document) -> Iterator[Problem]:
    layers = list(tables_at(document, "layers"))
    if document.get("perils") == {} and not tables_at(document, "certain_costs"):
        yield Problem("perils", "is empty and no cost is certain, so nothing ever happens. Add a peril.")
    for name, programme in tables_at(document, "programmes").items():
        place = f"programmes.{name}"
        coverages = list(tables_at(programme, "coverages"))
        if name == "none":
            yield Problem(place, "uses the name of the stack without a programme. Choose another name.")
        for coverage in coverages:
            if coverage in layers:
                yield Problem(f"{place}.coverages.{coverage}", "has the name of a public layer. Rename one.")
        stack = list_at(programme, "stack")
        for index, step in enumerate(stack):
            if step not in layers and step not in coverages:
                yield unknown(f"{place}.stack[{index}]", step, layers + coverages, "a layer or coverage")
        if stack:
            for coverage in coverages:
                if coverage not in stack:
                    yield Problem(
                        f"{place}.stack",
                        f"leaves out the coverage {coverage}, so it would never pay. Add it.",
                    )
            for step in sorted({str(step) for step in stack if stack.count(step) > 1}):
                yield Problem(f"{place}.stack", f"names {step} twice. Name each step once.")
        share = programme.get("household_share", 0)
        if isinstance(share, int | float) and share > 0 and "premium_per_insured" not in programme:
            yield Problem(
                f"{place}.household_share", f"= {share:g} is a share of no premium. Add premium_per_insured."
            )


def _population(document: Document, folder: Path) -> Iterator[Problem]:
    population = document.get("population")
    if not isinstance(population, dict):
        return
    file = population.get("file")
    if isinstance(file, str) and not (folder / file).is_file():
        yield Problem("population.file", f"= {file!r} does not exist beside the scenario. Correct the path.")
    townships = population.get("townships", 1)
    if isinstance(townships, int):
        last = min(townships, MOST_TOWNSHIPS)  # more are refused
        names = ["all"] if townships == 1 else [f"township_{number}" for number in range(1, last + 1)]
    else:
        names = [str(name) for name in townships] if isinstance(townships, list) else []
    if file is None:
        margins = tables_at(population, "classes").values()
        tags = sorted(
            {tag for one in margins for key in ("tags", "holder_tags") for tag in table_at(one, key)}
        )
        for place, where in _filters(document):
            for key in ("tags", "without_tags"):
                for index, tag in enumerate(list_at(where, key)):
                    if tag not in tags:
                        yield unknown(f"{place}.{key}[{index}]", tag, tags, "a tag of any class")
            for index, township in enumerate(list_at(where, "townships")):
                if township not in names:
                    yield unknown(f"{place}.townships[{index}]", township, names, "a township")


def _filters(document: Document) -> Iterator[tuple[str, Document]]:
    def walk(node: object, place: str) -> Iterator[tuple[str, Document]]:
        if isinstance(node, dict):
            for key, value in node.items():
                inside = f"{place}.{key}" if place else key
                if key in ("where", "insured", "counted") and isinstance(value, dict):
                    yield inside, value
                yield from walk(value, inside)
        elif isinstance(node, list):
            for index, value in enumerate(node):
                yield from walk(value, f"{place}[{index}]")

    return walk(document, "")


def _lines(document: Document) -> Iterator[Problem]:
    lines = document.get("lines")
    relief = tables_at(document, "relief")
    if isinstance(lines, dict):
        poverty, monitoring = lines.get("poverty_line"), lines.get("monitoring_line")
        if isinstance(poverty, int | float) and isinstance(monitoring, int | float) and monitoring < poverty:
            yield Problem(
                "lines.monitoring_line",
                f"= {monitoring:g} lies below the poverty line ({poverty:g}). Raise it.",
            )
    if not isinstance(lines, dict):
        for name in relief:
            yield Problem(f"relief.{name}", "needs the lines of the place. Add a [lines] table.")
        return
    for name, top_up in relief.items():
        if "standard" not in top_up and "dibao_standard" not in lines:
            yield Problem(
                f"relief.{name}.standard", "is missing, and lines.dibao_standard too. Give one of them."
            )
    population = document.get("population")
    population = population if isinstance(population, dict) else {}
    if lines.get("resource") == "assets" and "file" not in population:
        if not tables_at(population, "classes"):
            yield Problem(
                "lines.resource", '= "assets" needs classes with assets, or a roster. Compare incomes.'
            )
        for name, margins in tables_at(population, "classes").items():
            if "assets" not in margins:
                yield Problem(
                    f"population.classes.{name}.assets",
                    'is missing, and lines.resource = "assets" needs it. Add a law, or compare incomes.',
                )
