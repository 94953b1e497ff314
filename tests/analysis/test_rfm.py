"""RFM scores and the segments their ranges make."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.rfm import RFM_SEGMENTS, Scores, cut_points, rfm_scores


def customers(n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    orders = rng.poisson(4, n) + 1
    return pd.DataFrame(
        {"recency_days": rng.integers(1, 400, n), "n_orders": orders, "order_amount": orders * rng.gamma(2, 30, n)}
    )


def test_cut_points_are_type_seven_quantiles_plus_one() -> None:
    figures = np.column_stack([np.arange(11.0)] * 3)
    assert cut_points(figures)[:, 0].tolist() == pytest.approx([3, 5, 7, 9])  # 2, 4, 6, 8 of 0 … 10


def test_scores_of_eleven_customers_by_hand() -> None:
    frame = pd.DataFrame({"recency_days": range(11), "n_orders": range(11), "order_amount": range(11)})
    scores = rfm_scores(frame)
    assert scores["frequency_score"].tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores["recency_score"].tolist() == [5, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1]  # few days score high
    assert scores["rfm_score"].tolist()[0] == 511
    assert scores["rfm_score"].tolist()[-1] == 155


def test_every_pair_of_scores_belongs_to_exactly_one_segment() -> None:
    for recency in range(1, 6):
        for doubled in range(2, 11):
            volume = doubled / 2
            own = [
                s.name
                for s in RFM_SEGMENTS
                if s.recency[0] <= recency <= s.recency[1] and s.volume[0] <= volume <= s.volume[1]
            ]
            assert len(own) == 1, (recency, volume, own)


def test_segments_are_their_stated_ranges() -> None:
    frame = customers()
    everyone = np.arange(len(frame))
    found = Scores(frame.to_numpy(dtype=float)).fit(everyone, 8, 1, 0)(everyone)
    scores = rfm_scores(frame)
    for (r, f, m), at in zip(scores.iloc[:, :3].itertuples(index=False, name=None), found, strict=True):
        own = RFM_SEGMENTS[at]
        assert own.recency[0] <= r <= own.recency[1]
        assert own.volume[0] <= (f + m) / 2 <= own.volume[1]


def test_the_order_of_rows_changes_nothing() -> None:
    frame = customers()
    mixed = frame.sample(frac=1, random_state=3)
    assert rfm_scores(mixed).sort_index().equals(rfm_scores(frame))
