# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A county's anti-poverty insurance: what it costs and whom it keeps from poverty
#
# In April 2020 Zhongning county in Ningxia insured about 20,000 people at the margin of poverty (防贫保).
# Illness is covered up to 100,000 yuan a person and year, damage by disaster up to 30,000, schooling up to
# 5,000. Two readers want to know different things about such a contract.
#
# - **The insurer's actuary**: what is the pure premium, and how bad can a year get?
# - **The finance bureau**: what does it cost the budget, and how many households does it keep from poverty?
#
# This notebook answers both in well under a minute.

# %%
# %config InlineBackend.figure_formats = ["png"]
import fangpinbao as fp
from fangpinbao.plots import plot_payout_distribution, plot_prevented

# %% [markdown]
# ## Data
#
# A scenario file holds everything: people, costs, public layers, terms, and for every number where it comes
# from. The caps and the number of insured are official. The premium, the deductible, the rates and the income
# test are not stated in any document found, so they are **assumed**, most of them with a range.

# %%
scenario = fp.load_scenario("zhongning-2020")
programme = scenario.programmes["base"]
print(scenario.title.en)
for status in ("official", "published", "assumed"):
    print(f"{sum(number.status == status for number in scenario.numbers):4} numbers are {status}")

# %% [markdown]
# Simulate 2,000 independent years. Every programme of the file, and the world without any, meet the same
# illnesses, accidents and floods, so that differences between them are far more precise than the figures
# themselves. The same seed always gives the same years.

# %%
outcomes = fp.simulate(scenario, years=2_000, seed=1)
outcomes.by_year[["programme", "path", "payout_fen", "claims", "households_paid"]].groupby(
    "programme", observed=True
).head(2)

# %% [markdown]
# ## The actuary's answer
#
# The pure premium is the mean payout; ± is one standard error of the simulation. The gross premium adds the
# scenario's loadings for risk and expenses.

# %%
prices = fp.price(outcomes)
prices.select(
    programme="base",
    coverage=None,
    group=None,
    statistic=["mean", "ratio", "p99", "tvar_99"],
    measure=["payout", "claims", "mean_claim", "pure_premium_per_insured", "gross_premium_per_insured"],
)

# %% [markdown]
# By coverage: illness carries most of the cost.

# %%
prices.select(programme="base", coverage=list(programme.coverages), measure="pure_premium_per_insured")

# %% [markdown]
# A mean says nothing about a bad year. The picture marks the amounts that one year in twenty and one in a
# hundred exceed, and the mean of the worst percent: the figures by which a budget or a reserve is set.

# %%
_ = plot_payout_distribution(outcomes, "base")

# %% [markdown]
# With 20,000 people most of the chance averages out: even a bad year does not cost a multiple of a mean one.
# Doubt about the terms is a far larger matter than chance: on the same people, the terms published by other
# counties cost quite different amounts.

# %%
prices.select(measure="payout", statistic=["mean", "p99"], coverage=None, group=None)

# %% [markdown]
# ## The finance bureau's answer
#
# A household is *kept from poverty* when the year's costs would have pushed its income, less what it must
# spend on medical care, schooling and repairs, below the line, and the payout keeps it at or above the line.
# Households that were poor before any cost, or would not have become poor, are not counted.

# %%
poverty = fp.poverty(outcomes)
poverty.select(
    programme="base",
    line="poverty",
    group=None,
    measure=[
        "households_already_poor",
        "households_prevented_return",
        "households_prevented_entry",
        "households_still_poor",
        "gap_closed",
        "cost_per_prevented",
    ],
)

# %% [markdown]
# Which classes are they of, and what had struck them?

# %%
_ = plot_prevented(outcomes, "base")

# %% [markdown]
# The head number is not the whole effect. Most of the money goes to households that stay below the line
# even so: it makes them less poor without lifting them over it. This is why the poverty gap always stands
# beside the head number.

# %%
poverty.select(
    programme="base",
    line="poverty",
    group=None,
    measure=[name for name in {figure.measure: None for figure in poverty} if name.startswith("payout_use")],
)

# %% [markdown]
# ## Against no insurance
#
# Paired year by year with the same county without the insurance:

# %%
fp.compare(outcomes, "base", "none").select(
    group=None,
    line=[None, "poverty"],
    measure=["payout", "public_cost", "households_net_prevented", "gap_closed", "households_catastrophic"],
)

# %% [markdown]
# ## What would change the answer
#
# Any number can be changed and the run repeated on the same random events. Here the deductible of the illness
# rule is doubled.

# %%
stricter = scenario.replace("programmes.base.coverages.illness.deductible", 10_000)
fewer = fp.simulate(stricter, years=2_000, seed=1)
for name, run in (("deductible 5,000", outcomes), ("deductible 10,000", fewer)):
    premium = fp.price(run, "base").one("pure_premium_per_insured", "base")
    kept = fp.poverty(run, "base").one("households_prevented", "base", line="poverty")
    print(f"{name}: pure premium {premium}, kept from poverty {kept} a year")

# %% [markdown]
# How precise is all this? The line below says how many years an error of 1% takes.

# %%
print(fp.precision_line(outcomes, "base"))
