"""Params files: read, layered, and every mistake said with file, name and what is allowed."""

from pathlib import Path

import pytest

from cxinsights.errors import ParamsError, UnknownNameError
from cxinsights.params import ALL, Project, load_study, resolve
from tests.small import STUDY, make_project, small_study

DRIVERS = "drivers: {outcome: nps, drivers: [wait_rating], n_boot: 500}\n"
WITHOUT_UNITS = STUDY.split("units:")[0]


def fails(project: Project) -> str:
    with pytest.raises(ParamsError) as error:
        load_study(project, "shops")
    return str(error.value)


def test_layers_the_most_special_wins(tmp_path: Path) -> None:
    emea = (
        "label: EMEA\nunits:\n  north: {label: North, drivers: {seed: 3}}\n  south: {label: South}\n"
        "drivers: {seed: 2}\n"
    )
    project = make_project(
        tmp_path, WITHOUT_UNITS + DRIVERS, emea=emea, apac="label: APAC\nunits: {east: {label: East}}"
    )
    study = load_study(project, "shops")
    seeds = {
        (region, unit): resolve(study, "drivers", "2026Q3", region, unit).seed
        for region, unit in ((ALL, ALL), ("emea", ALL), ("emea", "north"), ("emea", "south"), ("apac", "east"))
    }
    assert seeds == {(ALL, ALL): 7, ("emea", ALL): 2, ("emea", "north"): 3, ("emea", "south"): 2, ("apac", "east"): 7}
    assert resolve(study, "drivers", "2026Q3", "emea", "north").n_boot == 500


def test_a_study_without_regions_has_one_named_after_it(tmp_path: Path) -> None:
    _, study = small_study(tmp_path)
    assert list(study.regions) == ["shops"]
    assert study.one_region
    assert study.label_of(ALL, ALL) == study.label_of("shops", ALL) == "Corner Shops"
    assert study.label_of("shops", "north") == "North"


def test_labels_name_the_region_where_there_are_several(tmp_path: Path) -> None:
    units = "units: {north: {label: North}}\n"
    project = make_project(tmp_path, WITHOUT_UNITS, emea="label: EMEA\n" + units, apac="label: APAC\n" + units)
    study = load_study(project, "shops")
    assert study.label_of("emea", "north") == "North, EMEA"
    assert study.label_of("emea", ALL) == "EMEA"


def test_unknown_parameter_in_a_unit(tmp_path: Path) -> None:
    units = "label: EMEA\nunits:\n  north: {label: North, drivers: {n_boots: 300}}\n"
    project = make_project(tmp_path, WITHOUT_UNITS + DRIVERS, emea=units)
    assert fails(project) == (
        "params/shops/emea.yml: units.north.drivers: unknown parameter 'n_boots'. Did you mean 'n_boot'? "
        "Known: survey, outcome, drivers, model, top_box_from, missing, n_imputations, aim, costs, expectations, "
        "small_units, n_boot, n_noise, seed, min_base, min_base_per_driver, outcome_parts."
    )


def test_unknown_parameter_in_a_study(tmp_path: Path) -> None:
    project = make_project(tmp_path, STUDY + "privacy: {customers_min: 20}\n")
    assert fails(project) == (
        "params/shops/study.yml: privacy: unknown parameter 'customers_min'. Did you mean 'customer_min'? Known: "
        "customer_min, employee_min, comment_min."
    )


def test_value_that_is_not_allowed_names_the_layer_it_stands_in(tmp_path: Path) -> None:
    units = "label: EMEA\nunits:\n  north: {label: North, drivers: {missing: mean}}\n"
    project = make_project(tmp_path, WITHOUT_UNITS + DRIVERS, emea=units)
    assert fails(project) == (
        "params/shops/emea.yml: units.north.drivers: missing: 'mean' is not 'indicator', "
        "'imputation', 'listwise', 'pairwise' or 'fiml'"
    )


def test_a_driver_named_twice(tmp_path: Path) -> None:
    project = make_project(tmp_path, STUDY + "drivers: {drivers: [wait_rating, wait_rating]}\n")
    assert fails(project) == "params/shops/study.yml: drivers: drivers: named twice: wait_rating"


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path, STUDY + "max_reject_share: 2\n".replace("max", "cutoff: yesterday\nmax", 1))
    assert fails(project).startswith("params/shops/study.yml: 'max_reject_share' is given twice")
    broken = STUDY.replace("max_reject_share: 0.5", "max_reject_share: 2\ncutoff: yesterday")
    said = fails(make_project(tmp_path, broken))
    assert said.startswith("params/shops/study.yml: 2 faults. ")
    assert "cutoff: " in said
    assert "max_reject_share: 2 is not less than or equal to 1" in said


def test_not_yaml(tmp_path: Path) -> None:
    project = make_project(tmp_path, "label: [Corner\n")
    said = fails(project)
    assert said.startswith("params/shops/study.yml: line 2: not valid YAML (")


def test_units_in_two_places(tmp_path: Path) -> None:
    project = make_project(tmp_path, STUDY, emea="label: EMEA\nunits: {north: {label: North}}\n")
    assert fails(project) == (
        "params/shops/: name the units in one place: under units: in study.yml (a study without regions), or in one "
        "file per region. Found both."
    )
    (tmp_path / "params/shops/emea.yml").unlink()
    assert fails(make_project(tmp_path, WITHOUT_UNITS)).endswith("Found neither.")


def test_codes_cannot_mean_two_things(tmp_path: Path) -> None:
    study = STUDY.replace("blank: 99, does_not_apply: 98", "blank: [98, 99], does_not_apply: 98")
    assert fails(make_project(tmp_path, study)) == (
        "params/shops/study.yml: tables.responses.columns.wait_rating: code 98 cannot mean both blank and "
        "does_not_apply"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("shop", "2026Q3", "shops", "north"), "params/: unknown study 'shop'. Did you mean 'shops'? Known: shops."),
        (("shops", "26Q3", "shops", "north"), "'26Q3' is not a quarter. Write it like 2026Q4."),
        (("shops", "2026Q3", "shop", "north"), "shops: unknown region 'shop'. Did you mean 'shops'? Known: shops."),
        (
            ("shops", "2026Q3", "shops", "nort"),
            "shops: shops: unknown unit 'nort'. Did you mean 'north'? Known: north, south.",
        ),
        (("shops", "2026Q3", ALL, "north"), "shops: unit 'north' needs its region. Known: shops."),
    ],
)
def test_unknown_names(tmp_path: Path, asked: tuple[str, ...], said: str) -> None:
    project = make_project(tmp_path)
    with pytest.raises(UnknownNameError) as error:
        resolve(load_study(project, asked[0]), "scorecard", *asked[1:])
    assert str(error.value) == said


def test_no_project_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXINSIGHTS_HOME", raising=False)
    with pytest.raises(ParamsError) as error:
        Project.find(tmp_path)
    assert str(error.value) == (
        "No cxinsights project here: no folder from this one upwards has both params/ and notebooks/. Go to the "
        "project's folder, or set CXINSIGHTS_HOME to it."
    )
    make_project(tmp_path)
    assert Project.find(tmp_path / "params" / "shops").root == tmp_path.resolve()


@pytest.mark.parametrize("name", ["demo", "sfo-airport"])
def test_our_own_studies_are_good(root: Path, name: str) -> None:
    assert load_study(Project(root), name).regions


def test_a_kind_of_survey_nobody_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError) as error:
        small_study(tmp_path, STUDY + "scorecard: {survey: relationshp}\n")
    assert str(error.value) == (
        "params/shops/study.yml: scorecard: unknown survey 'relationshp'. Did you mean 'relationship'? "
        "Known: relationship."
    )


def test_the_usual_survey_is_the_first_named(tmp_path: Path) -> None:
    _, study = small_study(tmp_path, STUDY + "surveys: {gate: At the gate, phone: By phone}\n")
    assert resolve(study, "scorecard", "2026Q3").survey == "gate"


def test_drivers_rest_on_no_fewer_answers_than_may_be_shown(tmp_path: Path) -> None:
    with pytest.raises(ParamsError) as error:
        small_study(tmp_path, STUDY + "privacy: {customer_min: 30}\ndrivers: {drivers: [wait_rating]}\n")
    assert str(error.value) == (
        "params/shops/study.yml: drivers: min_base_per_driver (15) is under what may be shown "
        "(privacy.customer_min, 30). Raise it to that."
    )


def test_sites_take_part_with_no_fewer_answers_than_may_be_shown(tmp_path: Path) -> None:
    section = "linkage: {items: [calm_item], scores: [nps], min_employees: 3}\n"
    with pytest.raises(ParamsError) as error:
        small_study(tmp_path, STUDY + section)
    assert str(error.value) == (
        "params/shops/study.yml: linkage: min_employees (3) is under what may be shown (privacy.employee_min, 5). "
        "Raise it to that."
    )


def test_a_top_box_is_the_studys_own_and_lies_on_the_scale(tmp_path: Path) -> None:
    drivers = "drivers: {outcome: csat_score, model: top_box, drivers: [wait_rating]%s}\n"
    study = load_study(make_project(tmp_path / "a", STUDY + drivers % ""), "shops")
    assert resolve(study, "drivers", "2026Q3").top_box_from == study.scores.csat.top_box_from == 4
    assert fails(make_project(tmp_path / "b", STUDY + drivers % ", top_box_from: 9")) == (
        "params/shops/study.yml: drivers: top_box_from (9) is above the highest csat_score, 5."
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("[agegroup]", "scores.case_mix: unknown column 'agegroup'. Did you mean 'age_group'? Known: response_id, "
         "unit, answered_at, customer_id, age_group, nps_answer, csat_score, wait_rating, weight."),
        ("[age_group, age_group]", "scores.case_mix: named twice: age_group"),
        ("[csat_score, unit]", "scores.case_mix: csat_score, unit cannot be a covariate: name what customers bring "
         "with them (age, channel), not what they say of us nor where they are served"),
    ],
    ids=["unknown", "twice", "no covariate"],
)  # fmt: skip
def test_covariates_are_columns_of_customers(tmp_path: Path, names: str, said: str) -> None:
    study = STUDY.replace("      nps_answer:", "      age_group: age\n      nps_answer:") + "scores: {case_mix: %s}\n"
    assert load_study(make_project(tmp_path / "a", study % "[age_group]"), "shops").scores.case_mix == ["age_group"]
    assert fails(make_project(tmp_path / "b", study % names)) == f"params/shops/study.yml: {said}"
