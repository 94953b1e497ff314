"""What happened on the way: what those who stopped did next, what went with conversion, and touch-point credit.

All of it is of mature entrants (without a window of all, as far as they got) and of events from the start of the
counted attempt to the end of its window. To compare those who had an event with those who had not, both are watched
for the same time: the whole window, whether or not they converted before its end.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxinsights.analysis.attribution import Moves, heuristic_credit, markov_credit
from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.intervals import CONFIDENCE, wilson
from cxinsights.analysis.journeys import Journeys
from cxinsights.analysis.scores import Sample

__all__ = ["NOTHING", "Trail", "fit_credit", "fit_flows", "fit_transitions", "fit_why", "trail_of"]

NOTHING = ""
"""Name of the next stage where none followed."""
_DRAWS, _SEED = 300, 7
_RARE = 0.01  # moves made by fewer of those who could are not listed


@dataclass(frozen=True)
class Trail:
    """Events of counted entrants from the start of their attempt to the end of its time, in order."""

    who: np.ndarray
    """Entrant of each event, of shape (n,)."""
    time: np.ndarray
    stage: np.ndarray
    """Number of each event's stage among the names."""
    row: np.ndarray
    """Row of the table."""
    names: np.ndarray
    """Names of stages: the steps first, in order, then those that end an attempt, then all others."""

    def kept(self, which: np.ndarray) -> "Trail":
        """Some of the events."""
        return Trail(self.who[which], self.time[which], self.stage[which], self.row[which], self.names)


def trail_of(events: pd.DataFrame, journeys: Journeys) -> Trail:
    """Events on the way of each counted entrant, those of one moment in step order."""
    rules = journeys.rules
    entrants = np.flatnonzero(journeys.counted)
    first, end = journeys.rows[entrants, 1], journeys.rows[entrants, 2]
    n = end - first
    who = np.repeat(entrants, n)
    row = np.arange(n.sum()) + np.repeat(first - np.concatenate([[0], np.cumsum(n)[:-1]]), n)
    time = events["occurred_at"].to_numpy().astype("datetime64[us]").view(np.int64)[row]
    inside = (time >= journeys.started_at[who]) & (time <= journeys.closed_at[who])
    who, row, time = who[inside], row[inside], time[inside]
    own, texts = pd.factorize(events["stage"].iloc[row], sort=True)
    known = [*rules.steps, *rules.ends_attempt]
    names = [*known, *(text for text in texts if text not in known)]
    place = {name: at for at, name in enumerate(names)}
    stage = np.array([*(place[text] for text in texts), -1])[own]
    # an ending counts after all else of its moment
    last = np.isin(stage, [place[name] for name in rules.ends_attempt])
    order = np.lexsort((np.where(last, len(names), stage), time, who))
    trail = Trail(who[order], time[order], stage[order], row[order], np.array(names, dtype=object))
    return trail.kept(trail.stage >= 0)


def fit_flows(trail: Trail, journeys: Journeys) -> pd.DataFrame:
    """What followed each step: the next step, or the first other event of those who stopped there, or nothing.

    `kind` is `goes_on`, `instead` or `nothing`.
    """
    reached, steps = journeys.reached, journeys.rules.steps
    last = journeys.last_at[trail.who]
    stopped = reached[trail.who] < len(steps)
    # events of the moment of the last step come after it unless they are the steps reached
    later = stopped & ((trail.time > last) | ((trail.time == last) & (trail.stage >= reached[trail.who])))
    after = trail.kept(later)
    who, at = np.unique(after.who, return_index=True)
    following = np.full(len(reached), -1)
    following[who] = after.stage[at]
    rows = []
    for step in range(1, len(steps)):
        here = journeys.counted & (reached >= step)
        n = int(here.sum())
        if not n:
            break
        on = int((here & (reached > step)).sum())
        counts = [(steps[step], "goes_on", on)]
        instead = np.bincount(1 + following[here & (reached == step)], minlength=1 + len(trail.names))
        order = np.argsort(-instead[1:], kind="stable")
        counts += [(trail.names[one], "instead", int(instead[1 + one])) for one in order if instead[1 + one]]
        counts += [(NOTHING, "nothing", int(instead[0]))]
        rows += [(steps[step - 1], name, kind, n, k, k / n, *wilson(k / n, n)) for name, kind, k in counts]
    return pd.DataFrame(
        rows, columns=["step", "next_stage", "kind", "n", "n_moved", "move_share", "move_low", "move_high"]
    )


def fit_transitions(trail: Trail, journeys: Journeys, min_base: int) -> pd.DataFrame:
    """Moves from one event to the very next, counted once per customer; up to conversion, or the end of the time.

    `loops`: back to the same stage, or to an earlier step.
    """
    k = len(journeys.rules.steps)
    stopped = np.where(journeys.cause > 0, np.maximum(journeys.last_at, journeys.ended_at), journeys.closed_at)
    walked = trail.kept(trail.time <= stopped[trail.who])
    m = len(walked.names)
    had = np.bincount(np.unique(walked.who * m + walked.stage) % m, minlength=m)
    together = walked.who[1:] == walked.who[:-1]
    moves = walked.stage[:-1][together] * m + walked.stage[1:][together]
    pairs, counts = np.unique(np.unique(walked.who[1:][together] * m * m + moves) % (m * m), return_counts=True)
    rows = []
    for pair, count in zip(pairs, counts, strict=True):
        here, there = divmod(int(pair), m)
        n, share = int(had[here]), count / had[here]
        if n >= min_base and share >= _RARE:
            loops = here == there or there < here < k
            rows.append((walked.names[here], walked.names[there], n, int(count), share, *wilson(share, n), loops))
    columns = ["stage", "next_stage", "n", "n_moved", "move_share", "move_low", "move_high", "loops"]
    frame = pd.DataFrame(rows, columns=columns)
    place = {name: at for at, name in enumerate(walked.names)}
    order = np.lexsort((-frame["n_moved"].to_numpy(), frame["stage"].map(place).to_numpy())) if len(frame) else []
    return frame.iloc[order].reset_index(drop=True)


def fit_why(trail: Trail, journeys: Journeys, min_base: int) -> pd.DataFrame:
    """Conversion of those who had another event within the window against those who had not.

    Empty without a window: there is no time that both were watched for.
    """
    if journeys.rules.window is None:
        return pd.DataFrame()
    counted = np.flatnonzero(journeys.counted)
    converted = journeys.converted
    rows = []
    known = len(journeys.rules.steps) + len(journeys.rules.ends_attempt)
    for stage in range(known, len(trail.names)):
        had = np.zeros(len(converted), dtype=bool)
        had[trail.who[trail.stage == stage]] = True
        sides = [Sample(converted[counted][had[counted] == side].astype(float)) for side in (True, False)]
        if min(side.n for side in sides) < min_base:
            continue
        found = compare(*sides, "share", min_base=min_base)
        a, b = ((side.n, side.mean, *wilson(side.mean, side.n)) for side in sides)
        rows.append((trail.names[stage], "of_entrants", *a, *b, found.value, found.ci_low, found.ci_high, found.p_value,
                     found.effect_size))  # fmt: skip
    columns = ["stage", "rate", "n", "score", "ci_low", "ci_high", "n_compare", "score_compare", "compare_low",
               "compare_high", "difference", "diff_low", "diff_high", "p_value", "effect_size"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return adjust(frame, ["rate"]) if len(frame) else frame


def fit_credit(trail: Trail, journeys: Journeys, touchpoints: pd.Series) -> pd.DataFrame:
    """Conversions shared among the touch-points on the way: by first touch, and by Markov removal effect.

    Paths end with conversion, or with the time of the attempt. Intervals: Wilson for first touch, bootstrap draws of
    whole paths for the removal effect.
    """
    stopped = np.where(journeys.converted, journeys.last_at, journeys.closed_at)
    walked = trail.kept(trail.time <= stopped[trail.who])
    codes, names = pd.factorize(touchpoints.iloc[walked.row].astype("str"), sort=True)
    given = touchpoints.iloc[walked.row].notna().to_numpy()
    names, who, codes = [str(name) for name in names], walked.who[given], codes[given]
    used = np.unique(codes)
    names, codes = [names[code] for code in used], np.searchsorted(used, codes)
    if not len(who):
        return pd.DataFrame()
    starts = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]]))
    ways = [tuple(part) for part in np.split(codes, starts[1:])]
    won = journeys.converted[who[starts]]
    seen = pd.DataFrame({"path": ways, "won": won}).groupby("path", sort=True)["won"].agg(["sum", "size"])
    paths = [[names[code] for code in path] for path in seen.index]
    conversions = seen["sum"].to_numpy(float)
    others = seen["size"].to_numpy(float) - conversions
    total = conversions.sum()
    if not total:
        return pd.DataFrame()
    first = heuristic_credit(paths, conversions).set_index("touchpoint")["first_touch"].reindex(names).fillna(0)
    moves = Moves.of(paths, conversions, others, names)
    credit = markov_credit(moves.chain(), total)
    effects = np.array([chain.removal_effects for chain in moves.draws(_DRAWS, np.random.default_rng(_SEED))])
    effects = effects[np.nansum(effects, axis=1) > 0]  # a draw without conversions says nothing of them
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    limits = [np.quantile(drawn, tails, axis=0) for drawn in (effects, effects / effects.sum(axis=1, keepdims=True))]
    first_share = (first / total).to_numpy()
    first_limits = np.array([wilson(share, total) for share in first_share]).T
    on_way = np.bincount(np.unique(who * len(names) + codes) % len(names), minlength=len(names))
    frame = pd.DataFrame(
        {
            "touchpoint": names,
            "n": on_way,
            "n_converted": int(total),
            "first_share": first_share,
            "first_low": first_limits[0],
            "first_high": first_limits[1],
            "removal_effect": credit["removal_effect"],
            "removal_low": limits[0][0],
            "removal_high": limits[0][1],
            "credit_share": credit["conversions"] / total,
            "credit_low": limits[1][0],
            "credit_high": limits[1][1],
        }
    )
    return frame.sort_values("credit_share", ascending=False, kind="stable", ignore_index=True)
