"""The demo company's planted truth, typed: read `truth.yml`, which explains itself."""

from datetime import date
from functools import cache
from importlib.resources import files

import yaml

from cxinsights.params import PeriodScheme, Strict

__all__ = ["Truth", "read_truth"]


class UnitTruth(Strict):
    """Size and level of one unit."""

    answers: int
    sites: int
    level: float


class DriverTruth(Strict):
    """How one driver was made."""

    strength: float
    halo: float
    level: float
    does_not_apply: float = 0.0


class FallTruth(Strict):
    """The unit that fell, when, and what got worse."""

    region: str
    unit: str
    period: str
    ratings: dict[str, float]


class SmallSiteTruth(Strict):
    """The site with too few answers in the last period."""

    region: str
    unit: str
    site: int
    answers: int


class EngagementTruth(Strict):
    """How employees' engagement goes with customers' answers."""

    level: float
    between_sites: float
    persistence: float
    slope: float
    lag: int
    employees: tuple[int, int]
    items: int


class AgeTruth(Strict):
    """One age group: share of customers, share of answers, effect on the likelihood."""

    customers: float
    answers: float
    effect: float


class BrokenTruth(Strict):
    """The unit whose journey is broken, and where."""

    region: str
    unit: str
    step: str
    rate: float


class JourneyTruth(Strict):
    """Rates and times of the journey."""

    steps: list[str]
    rates: dict[str, float]
    days: dict[str, float]
    window_days: int
    broken: BrokenTruth
    journeys_per_customer: float
    other_events: list[str]


class SegmentTruth(Strict):
    """Size and behaviour of one segment."""

    share: float
    visits_per_month: float
    digital_share: float
    products_held: float
    orders_per_year: float
    amount: float


class Truth(Strict):
    """Everything planted."""

    seed: int
    company: str
    first_period: str
    last_period: str
    cutoff: date
    regions: dict[str, dict[str, UnitTruth]]
    other_surveys: dict[str, float]
    drivers: dict[str, DriverTruth]
    rating_spread: float
    blank_share: float
    outcome_spread: float
    expectations: list[str]
    expectation_level: float
    fall: FallTruth
    small_site: SmallSiteTruth
    engagement: EngagementTruth
    ages: dict[str, AgeTruth]
    journey: JourneyTruth
    segments: dict[str, SegmentTruth]
    customers_per_answer: int
    response_rates: dict[str, tuple[float, float]]
    targets: dict[str, float]
    benchmarks: dict[str, float]
    dirt: dict[str, dict[str, int]]

    @property
    def periods(self) -> list[str]:
        """Ids of the planted quarters, in order."""
        scheme, ids = PeriodScheme(every="quarter"), [self.last_period]
        while ids[0] != self.first_period:
            ids.insert(0, scheme.previous(ids[0]))
        return ids

    @property
    def units(self) -> list[tuple[str, str, UnitTruth]]:
        """Region, unit and its truth."""
        return [(r, u, truth) for r, units in self.regions.items() for u, truth in units.items()]


@cache
def read_truth() -> Truth:
    """The planted truth."""
    return Truth(**yaml.safe_load(files(__package__).joinpath("truth.yml").read_text(encoding="utf-8")))
