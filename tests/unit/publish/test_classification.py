"""The kind of a release follows from what differs between two manifests, and the sentence says what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.publish.classification import classify, next_version, propose, release_name, series_of
from services.publish.draft import check_version
from services.publish.manifest import Manifest, Output, manifest_of_json
from shared.errors import GranuleRejected, RequestRefused
from shared.models.epoch import Month
from shared.models.provenance import Source

MONTHS = tuple(Month(2008, month) for month in range(1, 7))
LEVEL2 = "GSM-2_2008{:03d}-2008{:03d}_GRAC_COSTG_BF01_0200.gfc"


def level2(month: Month, digest: str = "") -> Source:
    begin = 30 * month.month
    return Source("level-2", LEVEL2.format(begin, begin + 29), digest or f"{month.month:064x}")


OLD = Manifest(
    product="twsa",
    version="v1.0",
    title="Water",
    months=MONTHS[:5],
    begin="2008-01-01",
    end="2008-05-31",
    inputs=(
        Source("baseline", "2003-01..2022-12 (200 months)", "b" * 64),
        Source("filter", "ddk.npz", "f" * 64),
        Source("gia", "GIA_ICE-6G_0001.gz", "a" * 64),
        Source("land-mask", "mask.nc", "c" * 64),
        Source("low-degrees", "LOW_DEGREES_0001.dat", "d" * 64),
        *(level2(month) for month in MONTHS[:5]),
    ),
    outputs=(Output("TWSA.nc", "e" * 64, 100),),
    steps=("subtract_mean()", "decorrelate(source=auto, strengths=('VDK3',))", "remove_gia()"),
    code_version="0.1.0",
    baseline="b" * 64,
    reference_period="2003-01..2022-12",
    mode="re-evaluate",
    serial=4,
    release="twsa-v1.0-004",
)
EXTENDED = replace(OLD, months=MONTHS, inputs=(*OLD.inputs, level2(MONTHS[5])))


def with_input(manifest: Manifest, role: str, **changes: str) -> Manifest:
    inputs = tuple(replace(s, **changes) if s.role == role else s for s in manifest.inputs)
    return replace(manifest, inputs=inputs)


def other_release(manifest: Manifest) -> Manifest:
    inputs = tuple(
        replace(s, name=s.name.replace("0200", "0300")) if s.role == "level-2" else s for s in manifest.inputs
    )
    return replace(manifest, inputs=inputs)


def step_changed(old: str, new: str) -> Callable[[Manifest], Manifest]:
    return lambda manifest: replace(manifest, steps=tuple(step.replace(old, new) for step in manifest.steps))


@pytest.mark.parametrize(
    ("edit", "kind", "said"),
    [
        (other_release, "major", "Level-2 comes from GSM-2_COSTG_BF01_0300"),
        (lambda m: replace(m, baseline="9" * 64), "major", "baseline 999999999999 replaces bbbbbbbbbbbb"),
        (lambda m: replace(m, reference_period="2002-04..2020-03"), "major", "relative to 2002-04..2020-03"),
        (step_changed("VDK3", "VDK4"), "major", "The filter is decorrelate(source=auto, strengths=('VDK4',))"),
        (lambda m: with_input(m, "filter", sha256="0" * 64), "major", "normal equations of the filter differ"),
        (lambda m: replace(m, code_version="0.2.0"), "minor", "program is version 0.2.0, before 0.1.0"),
        (step_changed("remove_gia()", "remove_gia(rate=2)"), "minor", "A step is remove_gia(rate=2)"),
        (step_changed("remove_gia()", "remove_tides()"), "minor", "a step is left out, before remove_gia()"),
        (lambda m: replace(m, steps=m.steps[::-1]), "minor", "another order"),
        (lambda m: replace(m, mode="freeze"), "minor", "mode freeze"),
        (lambda m: with_input(m, "gia", name="GIA_ICE-7G_0001.gz"), "minor", "Gia is GIA_ICE-7G_0001.gz"),
        (lambda m: with_input(m, "land-mask", sha256="0" * 64), "minor", "other content under its name"),
        (lambda m: with_input(m, "low-degrees", name="LOW_DEGREES_0002.dat"), "minor", "LOW_DEGREES_0002.dat"),
        (lambda m: with_input(m, "low-degrees", sha256="0" * 64), "extension", "the table low-degrees is a newer one"),
        (lambda m: m, "extension", "1 month is new: 2008-06"),
    ],
)
def test_the_kind_follows_from_what_differs(edit: Callable[[Manifest], Manifest], kind: str, said: str) -> None:
    """A new month comes with every one of them: it never hides the larger reason."""
    found, why = classify(edit(EXTENDED), OLD)
    assert (found, said in why) == (kind, True), why
    assert why.endswith(".")


def test_the_larger_reason_decides_and_the_others_are_told() -> None:
    kind, why = classify(replace(EXTENDED, baseline="9" * 64, code_version="0.2.0"), OLD)
    assert kind == "major"
    assert why.startswith("The baseline 999999999999 replaces")
    assert "the program is version 0.2.0" in why


def test_a_reissued_month_is_an_extension_that_names_its_file() -> None:
    again = replace(OLD, inputs=(*OLD.inputs[:-1], level2(MONTHS[4], "7" * 64)))
    assert classify(again, OLD) == ("extension", f"1 input was re-issued: {level2(MONTHS[4]).name}.")


def test_normals_of_a_month_are_an_extension() -> None:
    normals = replace(OLD, inputs=(*OLD.inputs, Source("normals", "2008-05.snx", "7" * 64)))
    assert classify(normals, OLD)[0] == "extension"


def test_the_first_release_is_initial_and_the_same_again_an_extension() -> None:
    assert classify(OLD, None)[0] == "initial"
    assert classify(OLD, OLD) == ("extension", "Inputs, steps and settings are those of the release before.")


def test_grace_and_grace_fo_of_one_release_are_one_series() -> None:
    names = (
        "GSM-2_2008001-2008031_GRAC_COSTG_BF01_0200.gfc",
        "GSM-2_2019001-2019031_GRFO_COSTG_BF01_0200.gfc.gz",
    )
    assert series_of(Source("level-2", name, "0" * 64) for name in names) == {"GSM-2_COSTG_BF01_0200"}
    itsg = (f"ITSG-Grace2018_n96_{month}.gfc" for month in ("2008-01", "2008-02"))
    assert series_of(Source("level-2", name, "0" * 64) for name in itsg) == {"ITSG-Grace2018_n96"}


@pytest.mark.parametrize(
    ("version", "kind", "following"),
    [
        ("v1.0", "extension", "v1.0"),
        ("v1.0", "minor", "v1.1"),
        ("v1.9", "minor", "v1.10"),
        ("v1.3", "major", "v2.0"),
        ("0001", "extension", "0001"),
        ("0009", "minor", "0010"),
        ("0001", "major", "0002"),
    ],
)
def test_a_version_counts_on_by_the_kind(version: str, kind: str, following: str) -> None:
    assert next_version(version, kind) == following


def test_what_is_no_version_has_no_next_one() -> None:
    with pytest.raises(RequestRefused, match="'latest' is no version"):
        next_version("latest", "minor")


def test_serial_numbers_count_within_a_version() -> None:
    assert propose(EXTENDED, OLD, issued="").release == "twsa-v1.0-005"
    assert propose(EXTENDED, OLD, issued="", serial=9).release == "twsa-v1.0-009"
    assert propose(replace(EXTENDED, version="v1.1"), OLD, issued="").release == "twsa-v1.1-001"
    assert propose(OLD, None, issued="").release == release_name("twsa", "v1.0", 1)
    assert propose(EXTENDED, OLD, issued="").previous == "twsa-v1.0-004"


@pytest.mark.parametrize(
    ("kind", "version", "fits"),
    [
        ("extension", "v1.0", True),
        ("extension", "v1.1", False),
        ("minor", "v1.1", True),
        ("minor", "v2.0", True),
        ("minor", "v1.0", False),
        ("major", "v1.1", False),
        ("major", "v2.0", True),
    ],
)
def test_a_version_that_does_not_fit_the_kind_is_held(kind: str, version: str, fits: bool) -> None:
    assert check_version(replace(EXTENDED, kind=kind, version=version), OLD).passed is fits


def test_a_manifest_comes_back_from_its_text() -> None:
    assert manifest_of_json(EXTENDED.to_json()) == EXTENDED
    assert EXTENDED.to_json() == manifest_of_json(EXTENDED.to_json()).to_json()


@pytest.mark.parametrize("edit", [lambda t: "{}", lambda t: t[:-9], lambda t: t.replace("2008-06", "2008-16")])
def test_a_broken_manifest_is_rejected_by_name(edit: Callable[[str], str]) -> None:
    with pytest.raises(GranuleRejected, match="no manifest") as caught:
        manifest_of_json(edit(EXTENDED.to_json()))
    assert caught.value.file == "manifest.json"
