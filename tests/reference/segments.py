"""Adapters of the kinds about numeric and mixed segments, latent classes, RFM."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import adjusted_rand_score

from cxinsights.analysis.clustering import gower, k_means, k_prototypes, pam, silhouette, standardised
from cxinsights.analysis.latent import ClassModel, fit_classes
from cxinsights.analysis.mixtures import fit_mixture
from cxinsights.analysis.rfm import rfm_scores
from tests.reference.undetermined import Between

Case = dict[str, Any]

STARTS = 60


def numeric_segments(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    names, k = params["variables"], params["k"]
    x = standardised(frame[names].to_numpy(float))
    first = np.array(expected["kmeans_lloyd_fixed_start"]["start_rows_1based"]) - 1  # where to start is given there
    centers, labels, within = k_means(x, k, start=x[first])
    apart = squareform(pdist(x))
    medoids = pam(apart, k)
    ward = fcluster(linkage(x, "ward"), k, "maxclust")
    return {
        "n": len(x),
        "kmeans_lloyd_fixed_start": {
            "sizes": np.bincount(labels).tolist(),
            "cluster_first_30": (labels[:30] + 1).tolist(),
            "centers": {str(at + 1): dict(zip(names, center, strict=True)) for at, center in enumerate(centers)},
            "tot_withinss": within,
        },
        "silhouette": {"average": silhouette(x, labels)},
        "pam": {
            "medoid_rows_1based": (medoids.rows + 1).tolist(),
            "objective_swap": medoids.objective,
            "sizes": np.bincount(medoids.labels).tolist(),
            "average_silhouette": silhouette(x, medoids.labels),
        },
        "ward_D2_sizes": sorted(np.bincount(ward)[1:].tolist(), reverse=True),
        "adjusted_rand_kmeans_vs_pam": adjusted_rand_score(labels, medoids.labels),
        "adjusted_rand_kmeans_vs_ward": adjusted_rand_score(labels, ward),
        "gaussian_mixture": {
            form: {key: _mixture(x, int(key), form) for key in models}
            for form, models in expected["gaussian_mixture"].items()
        },
    }


def mixed_segments(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    x = frame[params["numeric"]].to_numpy(float)
    codes = np.column_stack([pd.factorize(frame[name])[0] for name in params["categorical"]])
    apart = gower(x, codes)
    medoids = pam(apart, params["k"])
    weight = expected["kprototypes"]["lambda"]
    rng = np.random.default_rng(1)
    _, _, labels, cost = k_prototypes(standardised(x), codes, params["k"], weight, 3 * STARTS, rng)
    return {
        "gower_first_5x5": {str(i + 1): {str(j + 1): apart[i, j] for j in range(5)} for i in range(5)},
        "gower_mean": apart[np.triu_indices(len(x), 1)].mean(),
        "pam": {
            "medoid_rows_1based": (medoids.rows + 1).tolist(),
            "objective_swap": medoids.objective,
            "sizes": np.bincount(medoids.labels).tolist(),
        },
        "kprototypes": {"lambda": weight, "tot_withinss": cost, "sizes_sorted": sorted(np.bincount(labels).tolist())},
    }


def lca(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    rows = frame[case["params"]["items"]].dropna()
    codes = np.column_stack([pd.factorize(rows[item], sort=True)[0] for item in rows])
    return {key: _classes(codes, int(key)) for key in case["expected"]}


def rfm(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    day = pd.Timestamp(case["params"]["analysis_date"])
    orders = frame.assign(date=pd.to_datetime(frame["date"])).groupby("customer_id")
    customers = pd.DataFrame(
        {
            "recency_days": (day - orders["date"].max()).dt.days,
            "n_orders": orders.size(),
            "order_amount": orders["amount"].sum(),
        }
    )
    scores = rfm_scores(customers)
    names = {"n_orders": "transaction_count", "order_amount": "amount"}
    rows = customers.rename(columns=names).join(scores).to_dict("index")
    parts = ["recency_score", "frequency_score", "monetary_score"]
    return {
        "n_customers": len(customers),
        "first_40": {name: rows[name] for name in case["expected"]["first_40"]},
        "score_counts": {
            part: {str(score): int((scores[part] == score).sum()) for score in range(1, 6)} for part in parts
        },
        "mean_rfm_score": scores["rfm_score"].mean(),
    }


ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {
    "numeric_segments": numeric_segments,
    "mixed_segments": mixed_segments,
    "lca": lca,
    "rfm": rfm,
}
MUST: dict[str, list[str]] = {
    "numeric_segments": [
        *(f"kmeans_lloyd_fixed_start.{key}" for key in ("centers", "sizes", "tot_withinss")),
        "silhouette.average",
        "adjusted_rand_kmeans_vs_pam",
        "adjusted_rand_kmeans_vs_ward",
        "gaussian_mixture.*.*.loglik",
        "gaussian_mixture.*.*.bic_lower_is_better",
    ],
    "mixed_segments": [
        "gower_mean",
        "pam.objective_swap",
        "pam.sizes",
        "kprototypes.tot_withinss",
        "kprototypes.sizes_sorted",
    ],
    "lca": [f"*.{key}" for key in ("loglik", "npar", "BIC", "entropy_R2", "class_sizes_desc")],
    "rfm": ["first_40", "score_counts"],
}
"""What has to agree, by kind: paths into `expected`."""


def _mixture(x: np.ndarray, k: int, form: str) -> dict[str, float]:
    model = fit_mixture(x, k, form)
    return {
        "loglik": model.log_likelihood,
        "df": model.n_parameters,
        "bic_mclust": -model.bic,
        "bic_lower_is_better": model.bic,
    }


def _classes(codes: np.ndarray, k: int) -> dict[str, Any]:
    model = fit_classes(codes, k, STARTS, seed=1)
    sizes: Any = model.shares.tolist()
    certainty: Any = model.entropy_r2
    if not model.is_identified:  # shares and certainty differ between models that are equally likely
        ridge = [fit_classes(codes, k, 1, seed, rounds=400, converged=1e-7) for seed in range(100)]
        ridge = [other for other in ridge if model.log_likelihood - other.log_likelihood < 1e-6]
        sizes = [Between.of([other.shares[at] for other in ridge]) for at in range(k)]
        certainty = Between.of([other.entropy_r2 for other in ridge])
    return {
        "n": len(codes),
        "loglik": model.log_likelihood,
        "npar": model.n_parameters,
        "AIC": -2 * model.log_likelihood + 2 * model.n_parameters,
        "BIC": model.bic,
        "entropy_R2": certainty,
        "class_sizes_desc": 1.0 if k == 1 else sizes,
        **_largest(model, codes),
    }


def _largest(model: ClassModel, codes: np.ndarray) -> dict[str, Any]:
    """Customers by their likeliest class."""
    if not model.is_identified:
        return {}
    sizes = np.bincount(model.posteriors(codes).argmax(axis=1), minlength=len(model.shares))
    sizes = sorted(sizes.tolist(), reverse=True)
    return {"modal_sizes": sizes[0] if len(sizes) == 1 else sizes}
