"""What kernels and workers need, loaded once before they are forked; importing it is all there is to do."""

from importlib import import_module

from cxinsights.display.blocks import Figure
from cxinsights.display.theme import new_axes
from cxinsights.params import ANALYSES
from cxinsights.report.inputs import FITTED, fitted
from cxinsights.schemas.columns import result_columns

_KERNEL = (
    "IPython.core.completerlib", "IPython.core.debugger", "IPython.extensions.storemagic", "ipykernel.debugger",
    "ipykernel.kernelapp", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "tornado.platform.asyncio",
)  # fmt: skip
"""What a kernel loads while it starts, and for its first figure."""
_TABLES = ("ibis.backends.duckdb", "pyarrow.dataset", "pyarrow.parquet")
"""What reading the first table loads."""

_REPORTS = ("cxinsights.batch.reports", "cxinsights.batch.staleness", "cxinsights.kernels.engine")
"""What workers load to make a report: Papermill, nbconvert's parts, our pages."""

for name in (*_KERNEL, *_TABLES, *_REPORTS, *(f"cxinsights.display.{analysis}" for analysis in ANALYSES)):
    import_module(name)
for analysis in FITTED:
    fitted(analysis)

# read and compiled when first used: fonts, templates, what columns mean
result_columns()
Figure(
    key="first", title="", subtitle="", name="", alt="", caption="", draw=lambda width: new_axes(width, 100)
)._repr_mimebundle_()
