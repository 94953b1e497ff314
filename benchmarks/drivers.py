"""Driver importance against pingouin's: Shapley shares of R² among twelve ratings of 20,000 answers.

Both give the same shares and nothing else. Beside them stand the time of twenty drivers, and of the whole analysis:
checks, coefficients, 1,000 bootstrap draws with ranks, letters and dominance, the noise floor and what-if.
"""

import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pingouin

import cxinsights as cx
from benchmarks.pairs import compare

N, P, MANY = 20_000, 12, 20


def main() -> dict[str, Any]:
    """Check that both give the same shares, then time them."""
    answers = _answers(MANY)
    names = list(answers)[:P]
    own = cx.drivers.importance(answers, outcome="csat_score", drivers=names).set_index("driver")["r2_part"]
    theirs = pingouin.linear_regression(answers[names], answers["csat_score"], relimp=True).set_index("names")["relimp"]
    np.testing.assert_allclose(own[names], theirs[names], rtol=1e-8)
    return compare(
        "drivers",
        N,
        lambda: cx.drivers.importance(answers, outcome="csat_score", drivers=names),
        f"pingouin {version('pingouin')} linear_regression(relimp=True)",
        lambda: pingouin.linear_regression(answers[names], answers["csat_score"], relimp=True),
        runs=3,
        drivers=P,
        twenty_drivers_s=_seconds(
            lambda: cx.drivers.importance(answers, outcome="csat_score", drivers=list(answers)[:MANY])
        ),
        whole_s=_seconds(lambda: cx.drivers.fit(answers, outcome="csat_score", drivers=names, n_boot=1000)),
    )


def _seconds(call: Any) -> float:
    """Median of three runs."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(sorted(times)[1], 3)


def _answers(p: int) -> pd.DataFrame:
    """Ratings 1–10 that share a halo, and an outcome made of some of them; the same on every run."""
    rng = np.random.default_rng(1)
    halo = rng.normal(size=(N, 1))
    latent = 0.6 * halo + 0.8 * rng.normal(size=(N, p))
    names = [f"part_{number:02d}_rating" for number in range(1, p + 1)]
    frame = pd.DataFrame(np.clip(np.round(7 + 2 * latent), 1, 10), columns=names)
    score = latent @ np.linspace(0.5, 0.0, p) + rng.normal(size=N)
    return frame.assign(csat_score=np.clip(np.round(3.5 + 0.8 * score), 1, 5))


if __name__ == "__main__":
    main()
