"""What tests against closed forms share: bare scenarios, and how far an estimate may lie from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from fangpinbao import estimators
from fangpinbao.estimators import Estimate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

FIXED_POINT = 2.0**32
BARE = {"format": 1, "name": "closed-form", "title": "closed form"}


def scenario_of(**tables: Any) -> Scenario:
    return Scenario.from_document(BARE | tables)


def assert_meets(found: Estimate, truth: float) -> None:
    assert found.standard_error > 0
    assert abs(found.value - truth) < 4 * found.standard_error, (
        f"{found.value} ± {found.standard_error}: {truth}"
    )


def assert_mean_and_variance(values: np.ndarray, out: Outcomes, mean: float, variance: float) -> None:
    assert_meets(estimators.mean(values, out.years, ""), mean)
    assert_meets(estimators.covariance(values, values, out.years, ""), variance)
