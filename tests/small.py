"""A small project made on the spot: one study, one CSV, everything in a temporary folder."""

from pathlib import Path

from cxinsights.params import Project, Study, load_study

STUDY = """
label: Corner Shops
about: Made-up answers for a test.
without: [brief]
periods: {every: quarter}
tables:
  responses:
    sources: [{files: answers.csv}]
    columns:
      response_id: id
      unit: unit
      answered_at: date
      customer_id: {from: customer, optional: true}
      nps_answer: {from: nps, blank: 99}
      csat_score: {from: csat, blank: 9, optional: true}
      wait_rating: {from: wait, blank: 99, does_not_apply: 98, optional: true}
      weight: {from: weight, optional: true}
max_reject_share: 0.5
units:
  north: {label: North}
  south: {label: South}
"""

ANSWERS = """id,unit,date,nps,csat,wait
1,north,2026-07-01,10,5,8
2,north,2026-07-02,7,4,98
3,south,2026-08-01,0,1,99
4,south,2026-08-02,9,9,3
"""


def make_project(
    folder: Path, study: str = STUDY, answers: str = ANSWERS, name: str = "shops", **files: str
) -> Project:
    """A project with one study; further files of the study's params by name (`emea="label: …"`)."""
    params = folder / "params" / name
    params.mkdir(parents=True, exist_ok=True)
    (params / "study.yml").write_text(study, encoding="utf-8")
    for stem, text in files.items():
        (params / f"{stem}.yml").write_text(text, encoding="utf-8")
    (folder / "notebooks").mkdir(exist_ok=True)
    project = Project(folder)
    raw = project.data(name) / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "answers.csv").write_text(answers, encoding="utf-8")
    return project


def small_study(folder: Path, study: str = STUDY, answers: str = ANSWERS, **files: str) -> tuple[Project, Study]:
    """A project and its study, read."""
    project = make_project(folder, study, answers, **files)
    return project, load_study(project, "shops")
