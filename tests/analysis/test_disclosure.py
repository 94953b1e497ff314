"""Nothing under the threshold can be worked out from what is shown, however many totals it takes."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cxinsights.analysis.disclosure import further_hidden

FEWEST = 10
SETTINGS = settings(max_examples=100, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
Totals = list[tuple[int, list[int]]]


def table(grid: np.ndarray) -> tuple[np.ndarray, Totals]:
    """Cells, then the totals of rows and columns, then the total of all."""
    rows, columns = grid.shape
    cells = np.arange(grid.size).reshape(grid.shape)
    row_at, column_at, all_at = grid.size, grid.size + rows, grid.size + rows + columns
    bases = np.concatenate([grid.ravel(), grid.sum(axis=1), grid.sum(axis=0), [grid.sum()]])
    totals = [(row_at + at, cells[at].tolist()) for at in range(rows)]
    totals += [(column_at + at, cells[:, at].tolist()) for at in range(columns)]
    totals += [(all_at, [row_at + at for at in range(rows)]), (all_at, [column_at + at for at in range(columns)])]
    return bases, totals


def given_away(grid: np.ndarray, hidden: np.ndarray) -> list[int]:
    """Small figures that are sums and differences of shown ones, each written as a sum of cells."""
    cells = np.eye(grid.size).reshape(*grid.shape, -1)
    sums = np.vstack([cells.reshape(grid.size, -1), cells.sum(axis=1), cells.sum(axis=0), [cells.sum(axis=(0, 1))]])
    bases, _ = table(grid)
    shown = sums[(~hidden & (bases >= FEWEST)) | (bases == 0)]
    rank = np.linalg.matrix_rank(shown) if len(shown) else 0
    small = np.flatnonzero((bases > 0) & (bases < FEWEST))
    return [int(at) for at in small if np.linalg.matrix_rank(np.vstack([shown, sums[at]])) == rank]


def hide(grid: np.ndarray) -> np.ndarray:
    bases, totals = table(grid)
    return further_hidden(bases, totals, np.zeros(len(bases), dtype=bool), FEWEST)


@st.composite
def grids(draw, rows: int = 3, columns: int = 3) -> np.ndarray:
    bases = st.one_of(st.just(0), st.integers(1, 9), st.integers(10, 60))
    return np.array(draw(st.lists(bases, min_size=rows * columns, max_size=rows * columns))).reshape(rows, columns)


@SETTINGS
@given(grids())
def test_no_small_figure_follows_from_the_shown_ones(grid: np.ndarray) -> None:
    assert given_away(grid, hide(grid)) == []


@SETTINGS
@given(grids())
def test_what_a_shown_total_hides_rests_on_enough_answers(grid: np.ndarray) -> None:
    bases, totals = table(grid)
    extra = hide(grid)
    hidden = extra | ((bases > 0) & (bases < FEWEST))
    for whole, parts in totals:
        left = bases[parts][hidden[parts]].sum()
        assert hidden[whole] or left == 0 or left >= FEWEST


@SETTINGS
@given(grids())
def test_only_shown_figures_are_marked_and_none_where_nothing_is_small(grid: np.ndarray) -> None:
    bases, _ = table(grid)
    extra = hide(grid)
    assert (bases[extra] >= FEWEST).all()
    assert not hide(grid + FEWEST).any()


def test_several_totals_at_once_give_nothing_away() -> None:
    """Two blocks of hidden cells and one that joins them: rows 0 and 1 less columns 0 and 1 leave that one."""
    grid = np.full((4, 4), 20)
    blocks = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3)]
    for place in [*blocks, (1, 2)]:
        grid[place] = 6
    bases, _ = table(grid)
    assert given_away(grid, np.zeros(len(bases), dtype=bool)) == [6]
    assert given_away(grid, hide(grid)) == []


@pytest.mark.parametrize(
    ("parts", "marked"),
    [
        ([5, 40, 30, 50], [2]),  # the smallest other
        ([5, 8, 30], []),  # thirteen answers hide each other
        ([2, 3, 30, 40], [2]),  # five together are too few
        ([10, 40], []),
        ([5, 0, 40], [2]),  # nobody hides nobody
    ],
)
def test_the_smallest_other_part_of_a_total_is_hidden(parts: list[int], marked: list[int]) -> None:
    bases = np.array([*parts, sum(parts)])
    extra = further_hidden(bases, [(len(parts), range(len(parts)))], np.zeros(len(bases), dtype=bool), FEWEST)
    assert np.flatnonzero(extra).tolist() == marked


def test_what_is_left_over_counts_as_hidden() -> None:
    """A unit of 105 with groups of 60 and 40: the five who named none would follow."""
    bases, unseen = np.array([60, 40, 5, 105]), np.array([False, False, True, False])
    assert np.flatnonzero(further_hidden(bases, [(3, [0, 1, 2])], unseen, FEWEST)).tolist() == [1]


def test_a_large_rest_that_no_page_shows_protects_the_small() -> None:
    bases, unseen = np.array([60, 5, 40, 105]), np.array([False, False, True, False])
    assert not further_hidden(bases, [(3, [0, 1, 2])], unseen, FEWEST).any()
