"""The compiled part of the journey scan: every customer's events once, in table order.

Times are whole numbers of one unit. Stages are codes: 0 … k−1 are the steps in order, then come `k` (any other
event), `k + 1` (ends an attempt) and `k + 2` (removes the customer). Events at the same moment count in step order,
an ending after them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

__all__ = ["ANY", "DAY", "NEVER", "ORDERED", "STRICT", "changes_of_text", "scan"]

NEVER = np.iinfo(np.int64).min
"""Stands for a moment that did not come; the same number that NumPy has for a missing time."""
DAY = 86_400_000_000
"""Microseconds."""
ORDERED, STRICT, ANY = 0, 1, 2


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Machine code, kept between runs where a folder for it can be written."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return njit(nogil=True)(function)


@_compiled
def changes_of_text(offsets, letters):
    """Rows of an Arrow text column that differ from the row above; the first row is one of them.

    Parameters
    ----------
    offsets
        Where each text starts among the letters, with the end of the last, of shape (n + 1,).
    letters
        All texts in a row, as bytes.
    """
    n = len(offsets) - 1
    found = np.empty(n, np.int64)
    count = 0
    for row in range(n):
        start, length = offsets[row], offsets[row + 1] - offsets[row]
        differs = row == 0 or offsets[row] - offsets[row - 1] != length
        if not differs:
            above = offsets[row - 1]
            for at in range(length - 1, -1, -1):  # neighbours in order differ at the end
                if letters[start + at] != letters[above + at]:
                    differs = True
                    break
        if differs:
            found[count] = row
            count += 1
    return found[:count]


@_compiled
def scan(
    times, stages, bounds, k, order, window, tries, first, before, until, ends, removes, rows, reached, ended, moments
):
    """Follow each customer from entry to the furthest step.

    Parameters
    ----------
    times, stages
        One per event, of shape (n,); see the module's note for the codes.
    bounds
        First row of each customer and the end of the last, of shape (m + 1,).
    k, order
        Number of steps, and whether other steps may stand between.
    window
        Time allowed from the start of an attempt; the end belongs to it.
    tries
        Time from entry within which a further attempt may start; 0 where only the first counts.
    first, before, until
        Entries lie in `first` ≤ t < `before`; nothing from `until` on is read.
    ends, removes
        Whether any stage ends an attempt, or removes a customer.
    rows
        Filled for each customer who enters, of shape (m, 3): row of the entry event, the customer's first row, and
        the end of the customer's rows that are read.
    reached, ended
        Filled likewise, of shape (m,): steps reached by the counted attempt, and when it was ended otherwise.
    moments
        Filled likewise, of shape (m, k): when the counted attempt reached each step.

    Returns
    -------
    tuple
        Customers who enter, customers with an event in the date range, of whom removed, the first row that is
        out of order (−1 where none is), whether all times are midnights.
    """
    entered = seen = removed = 0
    midnights = True
    begin = np.empty(k, np.int64)
    path = np.empty((k, k), np.int64)
    starts = np.empty(len(times) if order == ANY else 1, np.int64)
    for customer in range(len(bounds) - 1):
        low, high = bounds[customer], bounds[customer + 1]
        wrong = _first_fall(times, low, high)
        if wrong >= 0:
            return entered, seen, removed, wrong, midnights
        for row in range(low, high):
            if not midnights or times[row] % DAY != 0:
                midnights = False
                break
        end = high
        while end > low and times[end - 1] >= until:
            end -= 1
        at, here = _entry(times, stages, low, end, first, before)
        seen += here
        if removes and _happened(stages, low, end, k + 2):
            removed += here
            continue
        if at < 0:
            continue
        best = moments[entered]
        best[:] = NEVER
        row = at
        while row > low and times[row - 1] == times[at]:  # what happened at the moment of entry counts
            row -= 1
        last = times[at] + tries
        if order == ORDERED:
            depth = _ordered(times, stages, row, end, k, window, last, begin, path, best)
        elif order == STRICT:
            depth = _strict(times, stages, row, end, k, window, last, begin, best)
        else:
            depth = _any(times, stages, row, end, k, window, last, begin, starts, best)
        rows[entered, 0], rows[entered, 1], rows[entered, 2] = at, low, end
        reached[entered] = depth
        ended[entered] = _end_of(times, stages, row, end, k, window, best, depth) if ends else NEVER
        entered += 1
    return entered, seen, removed, -1, midnights


@_compiled
def _first_fall(times, low, high):
    """First row of a customer that is earlier than the row above it; −1 where none is."""
    falls = False
    for row in range(low + 1, high):  # without a way out, so that the machine compares several at once
        falls |= times[row] < times[row - 1]
    if falls:
        for row in range(low + 1, high):
            if times[row] < times[row - 1]:
                return row
    return -1


@_compiled
def _entry(times, stages, low, end, first, before):
    """Row of the first step-1 event in the date range (−1 where there is none), and whether any event lies in it."""
    here = False
    for row in range(low, end):
        if times[row] >= before:
            break
        if times[row] >= first:
            here = True
            if stages[row] == 0:
                return row, here
    return -1, here


@_compiled
def _happened(stages, low, end, stage):
    """Whether a customer has an event of a stage."""
    found = False
    for row in range(low, end):
        found |= stages[row] == stage
    return found


@_compiled
def _moment(times, stages, row, end, k):
    """Steps that happened at the moment of a row as bits, whether an attempt was ended then, and the next moment."""
    steps, ending, time = 0, False, times[row]
    while row < end and times[row] == time:
        if stages[row] < k:
            steps |= 1 << stages[row]
        elif stages[row] == k + 1:
            ending = True
        row += 1
    return steps, ending, row


@_compiled
def _ordered(times, stages, row, end, k, window, last, begin, path, best):
    """Steps in order, other events allowed between.

    For each step the latest start that leads to it is kept: a later start with the same steps leaves more time, so
    that no earlier one can get further.
    """
    begin[:] = NEVER
    depth = 0
    while row < end and depth < k:
        time = times[row]
        if time - last > window:
            break
        if stages[row] == k:  # neither a step nor an ending
            row += 1
            continue
        steps, ending, row = _moment(times, stages, row, end, k)
        if steps & 1 and time <= last:
            begin[0], path[0, 0] = time, time
            if depth == 0:
                depth, best[0] = 1, time
        step, later = 1, steps >> 1
        while later:
            start = begin[step - 1]
            if later & 1 and start != NEVER and start != begin[step] and time - start <= window:
                begin[step] = start
                for at in range(step):
                    path[step, at] = path[step - 1, at]
                path[step, step] = time
                if step == depth:
                    depth += 1
                    for at in range(depth):
                        best[at] = path[step, at]
            step, later = step + 1, later >> 1
        if ending:
            begin[:] = NEVER
    return depth


@_compiled
def _strict(times, stages, row, end, k, window, last, path, best):
    """Steps in order with no step out of order between: one that jumps ahead or goes back ends the attempt.

    A repeat of the step just reached is in order. A step 1 that may start an attempt starts one, and the attempt
    before it can get no further: so there is one at a time.
    """
    depth = now = 0
    while row < end and depth < k:
        time = times[row]
        if time - last > window:
            break
        steps, ending, row = _moment(times, stages, row, end, k)
        for step in range(k):
            if not steps >> step & 1:
                continue
            if step == 0 and time <= last:
                now, path[0] = 1, time
            elif now > 0 and step == now and time - path[0] <= window:
                path[now] = time
                now += 1
            elif step != now - 1:
                now = 0
            if now > depth:
                depth = now
                for at in range(depth):
                    best[at] = path[at]
        if ending:
            now = 0
    return depth


@_compiled
def _any(times, stages, row, end, k, window, last, latest, starts, best):
    """Steps 2 … k in any order after the start; step k is reached when the last of steps 1 … k happens.

    The earliest start whose window is open has seen most. Which start is counted and when it reached each step is
    looked up once the furthest step is known.
    """
    latest[:] = NEVER
    depth = n = open_from = 0
    begin = NEVER
    low = row
    while row < end and depth < k:
        time = times[row]
        if time - last > window:
            break
        steps, ending, row = _moment(times, stages, row, end, k)
        for step in range(k):
            if steps >> step & 1:
                latest[step] = time
        if steps & 1 and time <= last:
            starts[n] = time
            n += 1
        while open_from < n and time - starts[open_from] > window:
            open_from += 1
        if open_from < n:
            got, since = 1, time
            while got < k and latest[got] >= starts[open_from]:
                since = min(since, latest[got])
                got += 1
            if got > depth:
                depth = got
                at = n - 1
                while starts[at] > since:
                    at -= 1
                begin = starts[at]
        if ending:
            latest[:] = NEVER
            n = open_from = 0
    if depth:
        best[0] = begin
        _first_times(times, stages, low, end, depth, begin, best)
    return depth


@_compiled
def _first_times(times, stages, row, end, depth, begin, best):
    """When an attempt reached each of its steps, whatever their order."""
    missing = depth - 1
    while row < end and missing:
        step = stages[row]
        if times[row] >= begin and 0 < step < depth and best[step] == NEVER:
            best[step] = times[row]
            missing -= 1
        row += 1
    for step in range(1, depth):
        best[step] = max(best[step], best[step - 1])


@_compiled
def _end_of(times, stages, row, end, k, window, best, depth):
    """When an attempt that had not got to the last step was ended otherwise, within its window."""
    if depth == k:
        return NEVER
    while row < end and times[row] - best[0] <= window:
        if stages[row] == k + 1 and times[row] >= best[depth - 1]:
            return times[row]
        row += 1
    return NEVER
