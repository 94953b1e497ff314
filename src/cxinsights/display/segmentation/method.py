"""The segmentation's method note."""

from cxinsights.display.blocks import Prose
from cxinsights.display.segmentation.names import Segmented
from cxinsights.display.words import in_sentence, joined
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import label

__all__ = ["method_segmentation"]

_METHODS = {
    "kmeans": "k-means on standardised columns, many starts",
    "latent_class": "latent classes: customers of a class answer each item alike, apart from chance; a customer "
    "belongs to the likeliest class",
    "kprototypes": "k-prototypes on standardised numbers and categories; a differing category counts as half of a "
    "number’s variance",
    "rfm": "stated ranges of RFM scores: recency, frequency and amount in five parts each (type-7 quantiles plus one), "
    "segments by the recency score and the mean of the two others",
}
_MISSING = {
    "latent_class": "A missing answer says nothing of the class and takes no part in the likelihood; customers without "
    "any answer are left out."
}


def method_segmentation(result: Guarded) -> Prose:
    """Definition, bases, missing inputs, how segments are judged, and what the report does not show."""
    segmented = Segmented(result)
    p = segmented.params
    inputs = joined([in_sentence(label(name, segmented.study)) for name in p.inputs])
    paragraphs = [
        f"Segments are made once for the whole company and applied everywhere: {_METHODS[p.method]}. Made of {inputs}. "
        "What is explained elsewhere, the scores, has no part in it."
        + _transforms(segmented)
        + (f" Left out, being the same for all: {_left_out(segmented)}." if len(result.left_out) else ""),
        _bases(segmented),
    ]
    if p.method == "rfm":
        paragraphs.append(
            f"Stability: {p.n_boot} bootstrap samples of customers (seed {p.seed}), each with cut points of its own. "
            "Since the ranges are stated, the segments are constructed, whatever comes back."
        )
    else:
        paragraphs += [_number(segmented), _judged(segmented)]
    paragraphs += [
        "Columns that made the segments get effect sizes only: the same data cannot both make a split and test it. "
        f"Columns held out are tested, each segment against all other customers.{segmented.latest_scores}",
        "Segments describe customers as they are now. They do not say why customers differ, nor what would happen if "
        "they were treated otherwise.",
    ]
    return Prose("method", "Method and limits", paragraphs)


def _transforms(segmented: Segmented) -> str:
    frame = segmented.result.inputs
    if not len(frame):
        return ""
    said = []
    for how, words in (("log", "taken as logarithms, being skewed"), ("rank", "taken by rank, being skewed")):
        names = [in_sentence(label(name, segmented.study)) for name in frame.loc[frame["transform"] == how, "variable"]]
        said += [f"{joined(names)} {words}"] if names else []
    return f" {joined(said).capitalize()}." if said else ""


def _left_out(segmented: Segmented) -> str:
    return joined([in_sentence(label(name, segmented.study)) for name in segmented.result.left_out])


def _bases(segmented: Segmented) -> str:
    if not len(segmented.result.summary):
        return ""
    one = segmented.result.summary.iloc[0]
    rule = _MISSING.get(segmented.params.method, "Customers without every input are left out.")
    return (
        f"{int(one.n):,} of {int(one.n_eligible):,} customers are in a segment; {int(one.n_missing):,} lack inputs. "
        f"{rule} A segmentation needs {int(one.n_needed):,}."
    )


def _number(segmented: Segmented) -> str:
    p = segmented.params
    choice = segmented.result.choice
    most = choice["k"].max() if len(choice) else p.k_max
    tried = f"From {p.k_min} to {most} segments were tried." if most > p.k_min else f"{most} segments were tried."
    if p.method == "latent_class":
        return (
            f"{tried} A number stands out where BIC is better than that of one class by 10, and the data determine the "
            "model; classes of answers that hang together in one line are not told from groups."
        )
    return (
        f"{tried} Each is set against 20 sets of structureless data: columns with a single peak each, joined as in one "
        "cloud, with the data’s own spread, skew, steps and correlations. A number stands out where the mean "
        "silhouette exceeds theirs by 0.03 and by 4.5 of their standard deviations. A split along one of many columns "
        "has to be wide to be noticed."
    )


def _judged(segmented: Segmented) -> str:
    p = segmented.params
    return (
        f"Stability: {p.n_boot} bootstrap samples of at most 2,000 customers (seed {p.seed}); of more customers any "
        "segments come back, whether there or not. Natural: stands out, and the adjusted Rand index of two samples is "
        "0.9 or more. Reproducible: stands out, and 0.75 or more. Else constructed (after Dolnicar and Leisch 2010). A "
        "segment’s Jaccard index is its mean over the samples (Hennig 2007)."
    )
