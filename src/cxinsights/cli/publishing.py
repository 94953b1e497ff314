"""Commands that let others read: the server, links, releases, what changed since one, and files of reports."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cxinsights.cli.parts import (
    OnlyOption,
    PeriodOption,
    RegionOption,
    ReportArgument,
    StudyOption,
    UnitOption,
    app,
    counted,
    opened,
    out,
    report_name,
)
from cxinsights.errors import ParamsError, UnknownNameError, did_you_mean
from cxinsights.params import Project

__all__: list[str] = []

BaseOption = Annotated[str, typer.Option("--base", help="Address that readers reach the server by: https://…")]


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8866,
    access: Annotated[str, typer.Option("--access", help="open (this machine only), links or sign-on.")] = "open",
    address: Annotated[str, typer.Option("--address", help="Of the network to listen on.")] = "127.0.0.1",
    host: Annotated[list[str] | None, typer.Option("--host", help="Name that readers reach the server by.")] = None,
    unix_socket: Annotated[Path | None, typer.Option("--socket", help="Unix socket to listen on instead.")] = None,
    secret_file: Annotated[Path | None, typer.Option("--secret-file", help="Holds what only the proxy knows.")] = None,
    take_over: Annotated[bool, typer.Option("--take-over", help="Beside a running one, to be stopped next.")] = False,
) -> None:
    """Serve the list, the reports and their live pages: drafts on this machine, released ones to readers elsewhere."""
    from cxinsights.publish.door import KINDS, Door
    from cxinsights.publish.server import serve_reports

    if access not in KINDS:
        raise UnknownNameError(f"serve: {did_you_mean('access', access, KINDS)}")
    project = Project.find()
    serve_reports(project, port, Door.of(project, access, address, unix_socket, host or (), secret_file), take_over)


@app.command()
def link(
    study: Annotated[str | None, typer.Option("--study", help="Folder in params/; the only one if not given.")] = None,
    region: RegionOption = None,
    unit: UnitOption = None,
    days: Annotated[float, typer.Option("--days", help="How long it holds.")] = 30,
    name: Annotated[str, typer.Option("--for", help="Who gets it: what the audit log calls them.")] = "a reader",
    base: BaseOption = "",
) -> None:
    """Make a link that opens a study, a region or a unit to whoever holds it."""
    from cxinsights.publish.door import keys_of
    from cxinsights.publish.entrance import link_path, right_of

    _check_base(base)
    project = Project.find()
    right = right_of(project, study, region, unit)
    out.print(f"{base.rstrip('/') or 'http://127.0.0.1:8866'}{link_path(keys_of(project), right, name, days)}")


@app.command()
def release(
    study: StudyOption,
    period: PeriodOption = None,
    region: RegionOption = None,
    unit: UnitOption = None,
    only: OnlyOption = None,
) -> None:
    """Show readers the reports of a period as they are now, and say what they restate."""
    from cxinsights.publish.releases import release_period

    project, loaded = opened(study)
    done = release_period(project, loaded, period, region, unit, only.split(",") if only else None)
    for report, restated in done.restated.items():
        for one in restated:
            out.print(f"restated: {report.path}: {one.what}: {one.old} -> {one.new}")
    out.print(f"{counted(done.released, 'report')} released, {len(done.unchanged)} as they were")


@app.command()
def changes(
    study: StudyOption = "demo",
    period: PeriodOption = None,
    since: Annotated[str | None, typer.Option("--since", help="Period before; the last released if not given.")] = None,
    region: RegionOption = None,
    unit: UnitOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write it there for other programs.")] = None,
    mail_file: Annotated[Path | None, typer.Option("--mail", help="Write it there as a small HTML mail.")] = None,
    base: BaseOption = "",
) -> None:
    """Say what changed since the last released period, by the scorecards that are made.

    Exit code 0: all were looked at and nothing got worse. 1: something got worse, is hidden or gone, or has not been
    made. 2: it cannot be asked.
    """
    from cxinsights.publish.changes import KINDS, find_changes
    from cxinsights.publish.digest import as_mail, title_of

    _check_base(base)
    for option, file in (("--json", json_file), ("--mail", mail_file)):
        _check_folder(option, file)
    project, loaded = opened(study)
    found = find_changes(project, loaded, period, since, region, unit)
    out.print(title_of(found, loaded))
    for kind, words in KINDS.items():
        for one in (one for one in found.found if one.kind == kind):
            out.print(f"{words}: {one.text}")
    if json_file is not None:
        _put(json_file, found.as_json().encode())
    if mail_file is not None:
        _put(mail_file, as_mail(found, loaded, base).encode())
    sys.exit(1 if found.is_alarming else 0)


@app.command()
def download(
    report: ReportArgument,
    kind: Annotated[
        str | None,
        typer.Option("--as", help="xlsx (a workbook) or pptx (slides); by --to, else xlsx, if not given."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="File to write, or a folder; here, by the report's name, if not given.")
    ] = None,
    released: Annotated[
        bool, typer.Option("--released", help="As readers elsewhere see it; the draft if not.")
    ] = False,
) -> None:
    """Write one report as a workbook of its tables, or as slides."""
    from cxinsights.publish.downloads.making import KINDS, file_name, find_report, make_download
    from cxinsights.publish.releases import released_root

    told = to.suffix.removeprefix(".").lower() if to is not None and not to.is_dir() else ""
    kind = kind or told or "xlsx"
    if kind not in KINDS:
        hint = " Every table is a CSV file beside the report's page, in outputs/." if kind == "csv" else ""
        raise UnknownNameError(f"download: {did_you_mean('kind', kind, KINDS)}{hint}")
    if told in KINDS and told != kind:
        raise UnknownNameError(f"download: --as {kind} for a file named .{told}. Leave out --as, or name it .{kind}.")
    _check_folder("--to", to)
    project = Project.find()
    root = released_root(project) if released else project.outputs
    found = find_report(root, report_name(report), "released" if released else "made")
    made = make_download(project, root, found, kind)
    name = file_name(found, kind)
    to = Path(name) if to is None else to / name if to.is_dir() else to
    _put(to, made)
    out.print(f"{to}: {KINDS[kind].name}, {len(made) / 1024:,.0f} kB")


def _check_base(base: str) -> None:
    if base and not base.startswith(("http://", "https://")):
        raise ParamsError("--base: not an address. Write it with its beginning, like https://cx.example.com")


def _check_folder(option: str, file: Path | None) -> None:
    if file is not None and not file.absolute().parent.is_dir():
        raise ParamsError(f"{option}: there is no folder {file.parent}. Make it first, or name another.")


def _put(file: Path, content: bytes) -> None:
    """Write a file in one step: whoever reads it sees the old one or the new one."""
    fresh = file.with_name(f".{file.name}.new-{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(file)
