"""Terms of reinsurance, of a co-insurance pool and of a catastrophe fund; all amounts in yuan.

Every contract is one rule on dated events with limits on the year: see `fangpinbao.reinsurance`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.base import (
    Chance,
    Count,
    Label,
    Name,
    NonNegative,
    Positive,
    Share,
    Table,
    YesNo,
    Yuan,
    refuse,
    rule,
)
from fangpinbao.scenario.terms import Loading

__all__ = ["PARTS", "CatastropheFund", "FinancialTerms", "Pool", "ReinsuranceContract"]

PARTS = 1_000_000
"""Shares are whole parts of a million, so that money is divided in integers."""


def _whole_parts(share: float) -> float:
    if abs(share * PARTS - round(share * PARTS)) > 1e-6:
        refuse(f"= {share!r} has more than six decimals. Round it, and let the last share take the rest.")
    return share


ExactShare = Annotated[Share, AfterValidator(_whole_parts)]
LimitYuan = Annotated[Positive, Field(json_schema_extra={"unit": "yuan"})]

Kind = Literal["quota_share", "excess_of_loss", "stop_loss"]

# What each kind of contract needs and may have, beside what all have.
_NEEDED: dict[str, tuple[str, ...]] = {
    "quota_share": ("cession",),
    "excess_of_loss": ("attachment", "limit"),
    "stop_loss": ("attachment", "limit"),
}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "quota_share": ("limit", "annual_limit", "commission"),
    "excess_of_loss": ("annual_deductible", "annual_limit", "reinstatements", "pro_rata_time", "premium"),
    "stop_loss": ("premium",),
}
_COMMON = ("name", "label", "kind", "inuring", "placed", "reinsurers", "source", "note")


class ReinsuranceContract(Table):
    """A reinsurance contract of one year.

    ``quota_share`` pays a share of every event, ``excess_of_loss`` the part of every event between the
    attachment and attachment + limit, ``stop_loss`` the same of the year's total, used up in date order.
    Contracts of the lowest ``inuring`` number pay first; those of one number see the same loss, and those of
    the next number what is left.
    """

    name: Name
    label: Label | None = None
    kind: Kind
    inuring: Annotated[Count, Field(description="contracts of a lower number pay before this one")]
    cession: Annotated[ExactShare | None, Field(description="quota share: the share of loss and premium")] = (
        None
    )
    attachment: Annotated[Yuan | None, Field(description="per event; stop loss: per year")] = None
    limit: Annotated[LimitYuan | None, Field(description="most that is paid, per event or per year")] = None
    annual_deductible: Annotated[
        Yuan, Field(description="borne first, of what the layer would pay in the year")
    ] = 0.0
    annual_limit: Annotated[LimitYuan | None, Field(description="most that is paid in the year")] = None
    reinstatements: Annotated[
        list[NonNegative] | None,
        Field(description="price of each, as a share of the premium: 0 free, 1 at 100%; absent: no limit"),
    ] = None
    pro_rata_time: Annotated[
        YesNo, Field(description="a reinstatement's price falls with the days left of the year")
    ] = False
    premium: Annotated[Yuan, Field(description="yuan a year for the whole contract, before placement")] = 0.0
    commission: Annotated[ExactShare, Field(description="of the ceded premium, paid back to the cedant")] = (
        0.0
    )
    placed: Annotated[ExactShare, Field(description="the rest stays with the cedant")] = 1.0
    reinsurers: Annotated[
        dict[Name, ExactShare], Field(description="shares of what is placed, summing to 1")
    ] = {}

    @rule
    def _has_what_its_kind_needs(self) -> Iterator[Problem]:
        for key in _NEEDED[self.kind]:
            if getattr(self, key, "wrong") is None:
                yield Problem(key, f"is missing; {self.kind} needs it. Add it.")

    @rule
    def _has_nothing_else(self) -> Iterator[Problem]:
        allowed = (*_COMMON, *_NEEDED[self.kind], *_ALLOWED[self.kind])
        for key in sorted(self.model_fields_set - set(allowed)):
            yield Problem(key, f"means nothing in {self.kind}. Drop it.")

    @rule
    def _one_limit_of_the_year(self) -> Iterator[Problem]:
        if self.reinstatements is not None and self.annual_limit is not None:
            yield Problem(
                "annual_limit",
                "stands beside reinstatements, which already limit the year to (1 + their number) x limit. "
                "Keep one.",
            )

    @rule
    def _time_prices_reinstatements(self) -> Iterator[Problem]:
        if self.pro_rata_time and not self.reinstatements:
            yield Problem("pro_rata_time", "= true prices no reinstatement. List reinstatements, or drop it.")

    @rule
    def _paid_reinstatements_have_a_premium(self) -> Iterator[Problem]:
        if self.reinstatements and any(self.reinstatements) and not self.premium:
            yield Problem("premium", "is missing; paid reinstatements are a share of it. Add it.")

    @rule
    def _cedes_something(self) -> Iterator[Problem]:
        if self.kind == "quota_share" and self.cession == 0.0:
            yield Problem("cession", "= 0 cedes nothing. Raise it, or drop the contract.")

    @rule
    def _reinsurers(self) -> Iterator[Problem]:
        if self.reinsurers:
            yield from _sums_to_one(self.reinsurers, "reinsurers")

    @property
    def most_per_year(self) -> float | None:
        """Most that the whole contract pays in a year, in yuan; None: no limit."""
        if self.kind == "stop_loss":
            return self.limit
        if self.reinstatements is None:
            return self.annual_limit
        assert self.limit is not None
        return self.limit * (1 + len(self.reinstatements))


def _sums_to_one(shares: dict[str, float], place: str) -> Iterator[Problem]:
    total = sum(round(share * PARTS) for share in shares.values())
    if total != PARTS:
        yield Problem(place, f"have shares that sum to {total / PARTS:g}, not 1. Adjust them.")


def _overpaid(level: int, contracts: list[ReinsuranceContract]) -> Iterator[Problem]:
    """Contracts of one inuring number that could together pay more than the loss."""
    if len({contract.kind == "stop_loss" for contract in contracts}) > 1:
        yield Problem(
            "reinsurance",
            f"of inuring number {level} mix a stop loss on the year with contracts on events. "
            "Give the stop loss a number of its own.",
        )
        return
    # Piecewise linear in the loss: what is left is smallest at a knot, or falls for ever beyond the last.
    for loss in sorted({0.0, *(knot for contract in contracts for knot in _knots(contract))}):
        paid = sum(_pays(contract, loss) for contract in contracts)
        if paid > loss * (1.0 + 1e-9):
            names = ", ".join(contract.name for contract in contracts)
            yield Problem(
                "reinsurance",
                f"of inuring number {level} ({names}) would together pay {paid:,.0f} yuan of a loss of "
                f"{loss:,.0f}. Lower a share, or give one a higher inuring number.",
            )
            return
    slope = sum(
        (contract.cession or 1.0) * contract.placed for contract in contracts if contract.limit is None
    )
    if slope > 1.0 + 1e-9:
        yield Problem(
            "reinsurance",
            f"of inuring number {level} would together pay {slope:g} of a large loss. Lower a share, or give "
            "one a higher inuring number.",
        )


def _overlapping(level: int, contracts: list[ReinsuranceContract]) -> Iterator[Problem]:
    """Excess-of-loss layers of one inuring number that would pay some yuan of a loss more than once."""
    layers = [contract for contract in contracts if contract.kind == "excess_of_loss"]
    for start in sorted({layer.attachment or 0.0 for layer in layers}):
        here = [one for one in layers if (one.attachment or 0.0) <= start < _exit(one)]
        if sum(one.placed for one in here) > 1.0 + 1e-9:
            names = " and ".join(one.name for one in here)
            yield Problem(
                "reinsurance",
                f"of inuring number {level}: {names} overlap from {start:,.0f} to {min(map(_exit, here)):,.0f} yuan, "
                "and would pay that part of a loss more than once. Move an attachment or a limit, lower what is "
                "placed, or give one a higher inuring number.",
            )
            return


def _exit(layer: ReinsuranceContract) -> float:
    return (layer.attachment or 0.0) + (layer.limit or 0.0)


def _pays(contract: ReinsuranceContract, loss: float) -> float:
    due = (contract.cession or 1.0) * max(loss - (contract.attachment or 0.0), 0.0)
    return contract.placed * (due if contract.limit is None else min(due, contract.limit))


def _knots(contract: ReinsuranceContract) -> Iterator[float]:
    attachment = contract.attachment or 0.0
    yield attachment
    if contract.limit is not None:
        yield attachment + contract.limit / (contract.cession or 1.0)


class Pool(Table):
    """A co-insurance pool: carriers that share the loss left after common reinsurance, and the premium."""

    label: Label | None = None
    carriers: Annotated[
        dict[Name, ExactShare], Field(min_length=1, description="shares of the carriers, summing to 1")
    ]

    @rule
    def _whole(self) -> Iterator[Problem]:
        yield from _sums_to_one(self.carriers, "carriers")


class CatastropheFund(Table):
    """A fund that pays a layer of the year's loss as long as it has money.

    In each year: the contribution comes in, interest is earned, the claim is paid at the year's end; what the
    fund cannot pay is a shortfall, and what exceeds the ceiling is given back.
    """

    label: Label | None = None
    initial: Annotated[Yuan, Field(description="balance before the first year")] = 0.0
    contribution: Annotated[Yuan, Field(description="yuan at the beginning of each year")] = 0.0
    premium_share: Annotated[Chance, Field(description="share of the premium that is paid in, too")] = 0.0
    interest: Annotated[NonNegative, Field(description="earned in a year, as a share of the balance")] = 0.0
    covers: Annotated[
        Literal["gross", "net"], Field(description="loss before or after the reinsurance contracts")
    ] = "net"
    attachment: Annotated[Yuan, Field(description="borne by others, of the year's loss")] = 0.0
    limit: Annotated[LimitYuan | None, Field(description="most that is claimed from it in a year")] = None
    ceiling: Annotated[LimitYuan | None, Field(description="the balance is held at this")] = None
    horizon: Annotated[int, Field(strict=True, ge=1, le=100, description="years looked ahead")] = 10

    @rule
    def _has_money(self) -> Iterator[Problem]:
        if not (self.initial or self.contribution or self.premium_share):
            yield Problem("", "never has any money. Give initial, contribution or premium_share.")

    @rule
    def _begins_below_its_ceiling(self) -> Iterator[Problem]:
        if self.ceiling is not None and self.initial > self.ceiling:
            yield Problem(
                "initial", f"= {self.initial:g} lies above the ceiling ({self.ceiling:g} yuan). Lower it."
            )


class FinancialTerms(Table):
    """The financial side of catastrophe insurance, as the table ``catastrophe`` of a scenario has it."""

    reinsurance: Annotated[
        list[ReinsuranceContract], Field(description="contracts in the order in which they pay")
    ] = []
    pool: Pool | None = None
    fund: CatastropheFund | None = None
    loading: Annotated[Loading, Field(description="of the technical premium")] = Loading()

    @rule
    def _contracts_have_names_of_their_own(self) -> Iterator[Problem]:
        names: set[str] = set()
        for index, contract in enumerate(self.reinsurance):
            if contract.name in names:
                yield Problem(
                    f"reinsurance[{index}].name",
                    f"= '{contract.name}' is the name of an earlier contract. Choose another.",
                )
            names.add(contract.name)

    @rule
    def _contracts_in_order(self) -> Iterator[Problem]:
        disorder = False
        for index, (before, contract) in enumerate(pairwise(self.reinsurance), start=1):
            if contract.inuring < before.inuring:
                disorder = True
                yield Problem(
                    f"reinsurance[{index}].inuring",
                    f"= {contract.inuring} stands after {before.inuring}. "
                    "List the contracts in the order in which they pay.",
                )
        for level in sorted({contract.inuring for contract in self.reinsurance} if not disorder else ()):
            together = [one for one in self.reinsurance if one.inuring == level]
            problems = list(_overpaid(level, together))
            yield from problems or _overlapping(level, together)
