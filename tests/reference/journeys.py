"""Adapters of the kinds about funnel, attribution, retention."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Case = dict[str, Any]

ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {}
MUST: dict[str, list[str]] = {}
"""What has to agree, by kind: paths into `expected`."""
