"""Every figure of a sentence, read back and looked for in the records that the sentence was made from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cxinsights.params import ALL, Study

_NUMBER = r"[−+]?\d+(?:,\d{3})*(?:\.\d+)?"
_SPAN = re.compile(rf"(?<![\w.])({_NUMBER})(%?)\s\(?({_NUMBER}) to ({_NUMBER})\b\)?")
_ALONE = re.compile(rf"(?<![\w.,–-])({_NUMBER})(%?)(?![\w–-])")
_METRICS = {"nps": "NPS", "csat": "CSAT", "ces": "CES"}
_NEVER_SAID = ("se", "p_value", "p_adjusted", "effect_size", "n_effective", "rank", "signal")
_SAID_AS = {
    "target of # ": ("target",),
    "benchmark of # ": ("benchmark",),
    "fell # points": ("change",),
    "rose # points": ("change",),
    "points to # ": ("score",),
    "fell to # ": ("score",),
    "rose to # ": ("score",),
    "rest of the company has # ": ("score_compare",),
    "best unit’s # ": ("reach",),
    "rise of # ": ("detectable",),
    "change of # points would": ("detectable",),
    "# answers": ("n",),
    "among # comparisons": ("n_comparisons",),
}
"""What a figure between such words is, by the names of columns; any other figure may be of any."""
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_NO_FIGURES = re.compile(
    rf"(\d+ )?({_MONTH})( to (\d+ )?({_MONTH}))? \d{{4}}|\d{{4}}-\d\d-\d\d|Q\d \d\d|95% (interval|band)|are 95%|"
    "[Ff]our times in five"
)


@dataclass(frozen=True)
class Figure:
    """A number as a text has it."""

    text: str
    is_share: bool = False

    def is_of(self, value: float) -> bool:
        """Whether it is this value, rounded as the text is; a text without sign may tell of a size."""
        told = float(self.text.replace("−", "-").replace(",", ""))
        off = 0.5 * 10 ** -len(self.text.partition(".")[2]) + 1e-9
        is_signed = self.text[0] in "−+"
        return abs(told - value) <= off or (not is_signed and abs(told - abs(value)) <= off)


def unsourced(text: str, study: Study, *records: dict[str, Any]) -> list[str]:
    """The figures of a text that no record has; an estimate and its interval have to stand in one row.

    Rows count that are of the record's own place, or of one that the text names.
    """
    for name in sorted(_names(study), key=len, reverse=True):
        if any(letter.isdigit() for letter in name):
            text = text.replace(name, "")
    text = _NO_FIGURES.sub("", text.replace("\u00a0", " ").replace("\u202f", " "))
    rows = [row for record in records for row in _rows(record, study, text)]
    missing = []
    for said in _SPAN.finditer(text):
        share = bool(said[2])
        score, low, high = (Figure(said[at], share) for at in (1, 3, 4))
        if not any(_holds(row, score, low, high) for row in rows):
            missing.append(said[0])
    rest = _SPAN.sub("", text)
    for said in _ALONE.finditer(rest):
        figure, names = Figure(said[1], bool(said[2])), _columns(rest[: said.start()], rest[said.end() :])
        if not any(
            _is_one_of(figure, value)
            for row in rows
            for name, value in row.items()
            if (name in names if names else not _is_end(name))
        ):
            missing.append(said[0])
    return missing


def altered(text: str) -> Iterator[str]:
    """The text with one figure otherwise, for each of its figures: seven more in its last place."""
    for said in re.finditer(_NUMBER, _NO_FIGURES.sub(lambda found: "·" * len(found[0]), text)):
        digits = len(said[0].partition(".")[2])
        value = float(said[0].replace("−", "-").replace(",", "")) + 7 * 10**-digits
        told = f"{value:,.{digits}f}".replace("-", "−")
        yield text[: said.start()] + ("+" if said[0][0] in "−+" and value > 0 else "") + told + text[said.end() :]


def _columns(before: str, after: str) -> tuple[str, ...]:
    """Names of the columns that the words around a figure speak of; none where they leave it open."""
    for words, names in _SAID_AS.items():
        start, end = (part.strip() for part in words.split("#"))
        if before.rstrip().endswith(start) and after.lstrip().startswith(end):
            return names
    return ()


def _holds(row: dict[str, float], score: Figure, low: Figure, high: Figure) -> bool:
    for scale in (1, 100):
        if score.is_share and scale == 1:
            continue
        ends = [
            (row[name], row[f"{name[:-4]}_high"])
            for name in row
            if name.endswith("_low") and f"{name[:-4]}_high" in row
        ]
        if any(low.is_of(least * scale) and high.is_of(most * scale) for least, most in ends):
            own = [name for name in ("change", "difference", "gap") if name in row and score.text[0] in "−+"]
            return any(score.is_of(row[name] * scale) for name in own or row if not _is_end(name))
    return False


def _is_one_of(figure: Figure, value: float) -> bool:
    in_points = abs(value) <= 1 and figure.is_of(100 * value)
    return in_points or (not figure.is_share and figure.is_of(value))


def _is_end(name: str) -> bool:
    return name.endswith(("_low", "_high"))


def _rows(record: dict[str, Any], study: Study, text: str) -> Iterator[dict[str, float]]:
    own = (record["region"], record["unit"])
    about = {metric for metric, name in _METRICS.items() if name in text}
    for table in record["tables"].values():
        for values in table["rows"]:
            row = dict(zip(table["columns"], values, strict=True))
            place = (row.get("region") or own[0], row.get("unit") or own[1])
            is_here = (place == own and row.get("site", ALL) == ALL) or _name(place, study) in text
            if is_here and (not about or row.get("metric") in {None, *about}):
                if row.get("period", record["period"]) != record["period"]:
                    row["score_then"] = row.pop("score", None)
                yield {
                    name: value
                    for name, value in row.items()
                    if isinstance(value, int | float) and not isinstance(value, bool) and name not in _NEVER_SAID
                }


def _name(place: Sequence[str], study: Study) -> str:
    region, unit = place
    if region == ALL:
        return study.label
    return study.region(region).label if unit == ALL else study.unit(region, unit).label


def _names(study: Study) -> Iterator[str]:
    """What places and values are called."""
    yield study.label
    for region in study.regions.values():
        yield region.label
        yield from (unit.label for unit in region.units.values())
    for spec in study.columns.values():
        yield spec.label
        yield from spec.values.values()
