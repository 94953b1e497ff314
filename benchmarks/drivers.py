"""Driver importance against pingouin's: Shapley shares of R² among twelve ratings of 2,000 answers.

Ours is the whole public function that the notebook calls: checks, coefficients, 1,000 bootstrap draws with
ranks and letters, and the noise floor. The peer gives one set of shares without any interval.
"""

from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pingouin

from benchmarks.pairs import compare
from cxinsights.analysis.drivers import fit_drivers
from cxinsights.params import DriversParams

N, P = 2_000, 12


def main() -> dict[str, Any]:
    """Check that both give the same shares, then time them."""
    answers, params = _answers()
    ratings = answers[params.drivers]
    outcome = answers["csat_score"]
    own = fit_drivers(answers, params).importance.set_index("driver")["r2_part"]
    theirs = pingouin.linear_regression(ratings, outcome, relimp=True).set_index("names")["relimp"]
    np.testing.assert_allclose(own[params.drivers], theirs[params.drivers], rtol=1e-8)
    return compare(
        "drivers",
        N,
        lambda: fit_drivers(answers, params),
        f"pingouin {version('pingouin')} linear_regression(relimp=True)",
        lambda: pingouin.linear_regression(ratings, outcome, relimp=True),
        runs=3,
        drivers=P,
    )


def _answers() -> tuple[pd.DataFrame, DriversParams]:
    """Ratings 1–10 that share a halo, and an outcome made of some of them; the same on every run."""
    rng = np.random.default_rng(1)
    halo = rng.normal(size=(N, 1))
    latent = 0.6 * halo + 0.8 * rng.normal(size=(N, P))
    names = [f"part_{number:02d}_rating" for number in range(1, P + 1)]
    frame = pd.DataFrame(np.clip(np.round(7 + 2 * latent), 1, 10), columns=names)
    score = latent @ np.linspace(0.5, 0.0, P) + rng.normal(size=N)
    frame["csat_score"] = np.clip(np.round(3.5 + 0.8 * score), 1, 5)
    where = {"study": "bench", "period": "2026", "region": "_all", "unit": "_all"}
    return frame, DriversParams(**where, outcome="csat_score", drivers=names)


if __name__ == "__main__":
    main()
