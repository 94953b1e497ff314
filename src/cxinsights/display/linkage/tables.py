"""The linkage's tables."""

import numpy as np
import pandas as pd

from cxinsights.analysis.aggregation import AGREEMENT, RELIABLE
from cxinsights.analysis.linkage import SCALE
from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.linkage.linked import Linked, correlation_text
from cxinsights.display.numbers import DASH, interval, number, p_text, share_text, signed, with_interval
from cxinsights.display.words import as_subject, in_sentence, spelled
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import column, value_label

__all__ = [
    "table_aggregation", "table_associations", "table_item_associations", "table_leave_one_out",
    "table_linkage_model", "table_linkage_sites", "table_reliability",
]  # fmt: skip

_MOST_ROWS = 20
_MOST_SITES = 100
"""Rows that can still be scrolled through on a phone."""
_FEWEST_DF = 2
"""Degrees of freedom under which an effect has no interval worth its name."""


def table_associations(result: Guarded) -> Block:
    """The lead pairs in every kind of correlation."""
    linked = Linked(result)
    if not linked.is_ok:
        return Nothing()
    rows = [
        [
            _pair(linked, one),
            _kind(linked, one["correlation_kind"]),
            *_cells(one, "correlation", lambda o: [_flagged(o), _boot(o), p_text(o["p_value"])]),
            f"{one['n']:,}",
        ]
        for _, one in result.associations.iterrows()
    ]
    beyond = result.associations.loc[is_shown(result.associations["correlation"]), "over_one"].astype(bool).any()
    note = (
        f"Intervals by Fisher’s z; for ranks after Bonett and Wright. Bootstrap: {linked.params.n_boot:,} draws of "
        f"{linked.sites_word}, percentiles."
    )
    if (result.associations["correlation_kind"] == "disattenuated").any():
        note += (
            " Corrected for unreliability: what the correlation would be if means were exact; the reliabilities are "
            "taken as known."
        )
    if beyond:
        note += " A corrected correlation beyond 1 is left as it is: reliabilities are too low for it to be read."
    names = ["Correlation (95% interval)", "Bootstrap interval", "p", as_subject(linked.sites_word)]
    head = [Column("Pair", numeric=False), Column("Kind", numeric=False), *(Column(name) for name in names)]
    return Table("numbers", "All correlations as a table", head, rows, note=note)


def table_item_associations(result: Guarded) -> Block:
    """Every item with every score."""
    linked = Linked(result)
    if not linked.is_ok or len(result.items) < 2:
        return Nothing()
    rows = [
        [
            linked.measure(one["item"]),
            as_subject(linked.metric(one["metric"])),
            *_cells(one, "correlation", lambda o: [
                correlation_text(o) if pd.notna(o["correlation"]) else DASH, p_text(o["p_adjusted"])
            ]),
            f"{one['n']:,}",
        ]
        for _, one in result.items.iterrows()
    ]  # fmt: skip
    n = int(result.items["n_comparisons"].max())
    names = ["Correlation (95% interval)", "p, adjusted", as_subject(linked.sites_word)]
    head = [Column("Item", numeric=False), Column("Score", numeric=False), *(Column(name) for name in names)]
    note = f"Adjusted among all {n} (Benjamini–Hochberg)."
    return Table("pairs", "Every item with every score", head, rows, note=note)


def table_aggregation(result: Guarded) -> Block:
    """May answers be averaged by site, and how far do sites differ."""
    linked = Linked(result)
    if not len(result.aggregation):
        return Nothing()
    rows = [_spread_row(linked, one) for _, one in result.aggregation.iterrows()]
    names = [
        "ICC(1)", "ICC(2)", "Agreement", "Agreement, skewed null", "Agreeing", "True spread", "Spread of means",
        "Answers", as_subject(linked.sites_word),
    ]  # fmt: skip
    word = linked.site_word
    known = result.aggregation["icc1"][is_shown(result.aggregation["icc1"])]
    told = f" Answers are those to each question; elsewhere a {word} counts with the question that fewest answered."
    if len(known) and known.isna().all():
        told = ""  # means alone, without the answers they were made of
    return Table(
        "aggregation",
        f"May answers be averaged by {word}?",
        [Column("Score or item", numeric=False), *(Column(name) for name in names)],
        rows,
        subtitle=f"How far {linked.sites_word} differ, with 95% intervals",
        note=f"ICC(1): share of the differences between people that lies between {linked.sites_word}. ICC(2): "
        f"reliability of a {word}’s mean; under {RELIABLE:g} it is called unsteady. Agreement: r_wg(j), median over "
        f"{linked.sites_word}; agreeing are those of {AGREEMENT:g} and more. True spread: standard deviation beyond "
        f"chance.{told}{linked.untold}",
    )


def table_reliability(result: Guarded) -> Block:
    """Alpha and omega of the employees' scale, and what each item adds."""
    linked = Linked(result)
    frame = result.reliability
    if not len(frame) or not is_shown(frame["alpha"]).iloc[0]:
        return Nothing()
    scale, items = frame.iloc[0], frame.iloc[1:]
    rows = [
        [linked.measure(one["item"]), *(_or_dash(one[name]) for name in ("item_total", "alpha_dropped"))]
        for _, one in items.iterrows()
    ]
    alpha, omega = (_limits(scale, name) for name in ("alpha", "omega"))
    return Table(
        "reliability",
        f"Do the {spelled(len(items))} items measure one thing?",
        [Column("Item", numeric=False), Column("Correlation with the rest"), Column("Alpha without it")],
        rows,
        subtitle=f"Alpha {alpha}, omega {omega}, {int(scale['n_employees']):,} {linked.employees} who answered every "
        "item",
        note="Alpha with Feldt’s interval; omega from a one-factor model, its interval from draws of "
        f"{linked.sites_word}.",
    )


def table_linkage_model(result: Guarded) -> Block:
    """The mixed model's effects: overall, within and between groups, and controls."""
    linked = Linked(result)
    if not linked.is_ok or not len(result.model):
        return Nothing()
    rows = [
        [
            _pair(linked, one),
            _term(linked, one),
            *_cells(one, "coefficient", lambda o: _effect_cells(linked, o)),
            f"{one['n']:,}",
        ]
        for _, one in result.model.iterrows()
    ]  # fmt: skip
    names = ["Coefficient (95% interval)", "Corrected", "df", "p", as_subject(linked.sites_word)]
    return Table(
        "model",
        "The mixed model",
        [Column("Pair", numeric=False), Column("Among", numeric=False), *(Column(name) for name in names)],
        rows,
        subtitle=f"Points of the score that go with one point more of {linked.employees}’ score",
        note="Random intercept for each unit or region, fitted by REML; t with Satterthwaite’s degrees of freedom, not "
        "z: with few groups the effect between them is hardly known. Corrected: for how unreliable the means of "
        f"{linked.employees} are.",
    )


def table_linkage_sites(result: Guarded) -> Block:
    """Each site of the report with both scores, its distance from the line and its quarter."""
    linked = Linked(result)
    frame = result.sites
    frame = frame[frame["own"].astype(bool)] if len(frame) else frame
    if not len(frame) or result.status not in ("ok", "refused"):
        return Nothing()
    item, metric = _lead_pair(linked)
    title, capped = f"Every {linked.site_word}", ""
    if len(frame) > _MOST_SITES:
        title = (
            f"The {linked.sites_word} farthest from the line" if "off_line" in frame else as_subject(linked.sites_word)
        )
        capped = f" All {len(frame):,} are in the file sites.csv."
        frame = _farthest(frame)
        capped = f" {len(frame)} are listed.{capped}"
    rows = [
        [
            one["site"],
            *_cells(one, "customer_score", lambda o: _site_cells(linked, o, item, metric), width=5),
            f"{int(one['n_customers']):,}",
            f"{int(one['n_employees']):,}",
        ]
        for _, one in frame.iterrows()
    ]
    names = [linked.measure(item), as_subject(linked.metric(metric)), "Distance from the line", "p, adjusted"]
    bases = [f"Answers of {whose}" for whose in (linked.customers, linked.employees)]
    head = [
        Column(as_subject(linked.site_word), numeric=False), *(Column(name) for name in names),
        Column("Standing", numeric=False), *(Column(name) for name in bases),
    ]  # fmt: skip
    return Table(
        "sites",
        title,
        head,
        rows,
        note=f"Standing against the means of all {linked.sites_word}; “perhaps” unless both intervals lie clear of "
        f"the means. The distance is "
        f"adjusted among all {linked.sites_word} (Benjamini–Hochberg).{capped}",
    )


def table_leave_one_out(result: Guarded) -> Block:
    """The sites that move the lead correlation most."""
    linked = Linked(result)
    if not linked.is_ok or not len(result.leave_one_out):
        return Nothing()
    rows = [
        [
            one["site"] or f"a {linked.site_word} of another unit",
            *_cells(one, "correlation", lambda o: [correlation_text(o), signed(o["shift"], 3),
                                                   "yes" if o["carries"] else "no"]),
        ]
        for _, one in result.leave_one_out.head(_MOST_ROWS).iterrows()
    ]  # fmt: skip
    word = linked.site_word
    one = linked.summary
    least, most = one["correlation_least"], one["correlation_most"]
    n = len(linked.carriers)
    verdict = f"No single {word} carries the result." if not n else f"{as_subject(spelled(n))} carry the result."
    if n == 1:
        verdict = f"One {word} carries the result."
    span = "" if isinstance(least, Suppressed) else f"between {number(least, 2)} and {number(most, 2)}"
    return Table(
        "leave-one-out",
        f"Does one {word} carry it?",
        [Column(f"Without {word}", numeric=False), Column("Correlation (95% interval)"), Column("Shift"),
         Column("Carries it")],
        rows,
        subtitle=f"{verdict} Whichever is left out, the correlation stays {span}." if span else verdict,
        note=f"The {min(_MOST_ROWS, len(result.leave_one_out))} that move it most. A {word} carries the result where "
        "without it the interval changes its mind about zero, or the correlation lies outside the interval of all.",
    )  # fmt: skip


def _cells(one: pd.Series, figure: str, shown, width: int = 0) -> list[str]:
    """Cells of a row; the words of a hidden figure in the first, and dashes after it."""
    if not isinstance(one[figure], Suppressed):
        return shown(one)
    width = width or {"correlation": 3, "coefficient": 4}[figure]
    return [str(one[figure]), *[DASH] * (width - 1)]


def _pair(linked: Linked, one: pd.Series) -> str:
    if linked.result.parallel:
        return as_subject(linked.topic((one["item"], one["metric"])))
    return f"{linked.measure(one['item'])} with {linked.metric(one['metric'])}"


def _kind(linked: Linked, kind: str) -> str:
    if kind == "weighted":
        return f"Weighted by answers of {linked.customers}"
    return value_label("correlation_kind", kind)


def _flagged(one: pd.Series) -> str:
    return f"{correlation_text(one)}, beyond 1" if one["over_one"] else correlation_text(one)


def _boot(one: pd.Series) -> str:
    return DASH if pd.isna(one["boot_low"]) else interval(one["boot_low"], one["boot_high"], 2)


def _limits(one: pd.Series, name: str, decimals: int = 2) -> str:
    value, low, high = one[name], one[f"{name}_low"], one[f"{name}_high"]
    if pd.isna(value):
        return "not known"
    return number(value, decimals) if pd.isna(low) else with_interval(value, low, high, decimals)


def _or_dash(value: float) -> str:
    return DASH if pd.isna(value) else number(value, 2)


def _spread_row(linked: Linked, one: pd.Series) -> list[str]:
    name, n = linked.measure(one["measure"]), f"n_{one['side']}"
    base = [f"{int(one[n]):,}", f"{int(one['n']):,}"]
    if isinstance(one["icc1"], Suppressed):
        return [name, str(one["icc1"]), *[DASH] * 6, *base]
    agree = DASH if pd.isna(one["share_agreeing"]) else share_text(
        one["share_agreeing"], one["share_agreeing_low"], one["share_agreeing_high"]
    )  # fmt: skip
    times = linked.unit_of(one["measure"])
    spreads = [
        DASH if pd.isna(one[value]) else linked.points_text(one["measure"], one[value], one[low], one[high])
        for value, low, high in (("sd_between", "sd_low", "sd_high"),
                                 ("sd_observed", "sd_observed_low", "sd_observed_high"))
    ]  # fmt: skip
    if times > 1:
        spreads = [text if text == DASH else f"{text} points" for text in spreads]
    ratios = [DASH if pd.isna(one[name]) else _limits(one, name) for name in ("icc1", "icc2", "rwg", "rwg_skewed")]
    return [name, *ratios, agree, *spreads, *base]


def _site_cells(linked: Linked, one: pd.Series, item: str, metric: str) -> list[str]:
    scores = [
        DASH if pd.isna(one[value]) else linked.score_text(name, one[value], one[low], one[high])
        for name, value, low, high in ((item, "employee_score", "employee_low", "employee_high"),
                                       (metric, "customer_score", "customer_low", "customer_high"))
    ]  # fmt: skip
    off, p = one.get("off_line", np.nan), one.get("p_adjusted", np.nan)
    times = linked.unit_of(metric)
    distance = DASH if pd.isna(off) else signed(times * off, 0 if times > 1 or metric == "nps" else 2)
    if pd.isna(one["quadrant"]):
        return [*scores, distance, p_text(p), "takes no part"]
    place = linked.quadrant(one["quadrant"])
    return [*scores, distance, p_text(p), place if one["certain"] else f"perhaps {in_sentence(place)}"]


def _farthest(sites: pd.DataFrame) -> pd.DataFrame:
    """As many sites as are listed, in their own order: those farthest from the line, where there is one."""
    if "off_line" not in sites:
        return sites.head(_MOST_SITES)
    distance = pd.to_numeric(sites["off_line"].where(is_shown(sites["off_line"])), errors="coerce").abs()
    return sites[distance.rank(method="first", ascending=False) <= _MOST_SITES]


def _lead_pair(linked: Linked) -> tuple[str, str]:
    """The lead pair, known also where there is no association."""
    if linked.result.parallel:
        return linked.params.items[0], linked.params.scores[0]
    return (SCALE if len(linked.params.items) > 1 else linked.params.items[0]), linked.params.scores[0]


def _term(linked: Linked, one: pd.Series) -> str:
    group = one["grouping"]
    if one["term"] == "total":
        return f"all {linked.sites_word}" if group == "none" else f"all, {group} levels apart"
    if one["term"] == "within":
        return f"{linked.sites_word} of one {group}"
    if one["term"] == "between":
        return f"{int(one['n_groups'])} {group}s’ means"
    name, _, level = str(one["term"]).partition("=")
    spec = column(name, linked.study)
    return f"control: {spec.label}, {spec.values.get(level, level)}" if level else f"control: {spec.label}"


def _effect_cells(linked: Linked, one: pd.Series) -> list[str]:
    df = number(one["df"], 0 if one["df"] >= 10 else 1)
    if one["df"] < _FEWEST_DF:
        return ["too few groups to say", DASH, df, DASH]
    if one["coef_low"] <= 0 <= one["coef_high"] and one["coef_high"] - one["coef_low"] > linked.width_of(one["metric"]):
        return ["cannot tell: wider than the scale", DASH, df, p_text(one["p_value"])]
    size = linked.points_text(one["metric"], one["coefficient"], one["coef_low"], one["coef_high"], with_sign=True)
    return [size, _corrected(linked, one), df, p_text(one["p_value"])]


def _corrected(linked: Linked, one: pd.Series) -> str:
    if pd.isna(one["corrected"]):
        return DASH
    return linked.points_text(
        one["metric"], one["corrected"], one["corrected_low"], one["corrected_high"], with_sign=True
    )
