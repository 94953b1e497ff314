"""Run every benchmark and show their results as a table: `make bench`."""

from rich.console import Console
from rich.table import Table

from benchmarks import batch, drivers, funnel, planning, scorecard, serve


def main() -> None:
    """Run, print each result's JSON line, then the table."""
    results = [drivers.main(), funnel.main(), batch.main(), planning.main(), scorecard.main(), serve.main()]
    shown = ("benchmark", "n", "ours_s", "peer_s", "ratio", "peak_mb", "peer")
    table = Table(
        *shown,
        caption="ratio: peer over ours; of serve, ours over peer; of scorecard, the peer is ours with fewer units",
    )
    for result in results:
        table.add_row(*(str(result[name]) for name in shown))
    Console().print(table)


if __name__ == "__main__":
    main()
