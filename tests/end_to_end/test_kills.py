"""A process killed in every stage of its work, and an input that kills whoever touches it."""

from __future__ import annotations

from pathlib import Path

from services.embedded import system
from shared.formats.files import sha256_of
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.end_to_end.rig import ByHand, assert_whole, file_of, released, settings_of, until
from tests.end_to_end.table import note

PATIENCE = 600.0  # s: nothing waits that long on a machine that has time

# Functions at whose entry the process is killed, once each, in the order of the work
STAGES = {
    "ingest, between store and catalogue": ("granules:Granules.register_granule",),
    "process, in the baseline": (
        "baseline:write_baseline",
        "baselines:Baselines.propose_baseline",
        "baselines:Baselines.accept_baseline",
        "claims:Claims.finish",
    ),
    "process, in a month": ("workplace:make_month", "monthly:complete_month"),
    "process, in the series": ("workplace:make_series", "production:evaluate_series", "writing:write_maps"),
    "publish, before the release exists": ("draft:prepare", "releases:Releases.create_release"),
    "publish, between the steps of a release": (
        "release:_place",
        "release:_draw",
        "release:_describe",
        "sums:sums_text",
    ),
    "publish, around the switch of latest": (
        "release:switch_latest",
        "releases:Releases.issue_release",
        "traffic:Traffic.plan_deliveries",
    ),
}


def killing(home: Path, plan: dict[str, str]) -> dict[str, str]:
    """Settings that have the services killed as planned."""
    for name, text in plan.items():
        path = home / "kills" / "plan" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "PYTHONPATH": str(Path(__file__).parent / "killing"),
        "GRAVSTREAM_TEST_KILLS": str(home / "kills" / "plan"),
        "GRAVSTREAM_ARCHIVE": str(home / "copies"),
    }


def moment(path: Path) -> float | None:
    return float(path.read_text().split()[0]) if path.is_file() else None


def test_killed_at_every_stage_the_work_is_done_once_and_as_by_hand(
    tmp_path: Path, archive: Path, by_hand: ByHand
) -> None:
    plan = dict.fromkeys((name for names in STAGES.values() for name in names), "")
    months = len(list((archive / "level2").iterdir()))
    (tmp_path / "copies").mkdir()
    with (
        Upstream.of_archive(archive) as upstream,
        system(tmp_path, settings_of(upstream, **killing(tmp_path, plan)), longest_pause=0.5),
        Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue,
    ):
        until(lambda: released(catalogue, months), PATIENCE, "the release of all months")
        release = catalogue.latest("twsa")
        until(lambda: list((tmp_path / "copies").rglob("SHA256SUMS")), PATIENCE, "the copy of the release")
    kills = tmp_path / "kills"
    for stage, names in STAGES.items():
        pairs = [(moment(kills / f"{name}.killed"), moment(kills / f"{name}.passed")) for name in names]
        assert all(killed for killed, _ in pairs), f"{stage}: {pairs}"
        note(f"kill -9 of {stage}", [passed - killed if passed else None for killed, passed in pairs])
        assert all(passed for _, passed in pairs), f"{stage}: {pairs}"
    assert_whole(tmp_path, catalogue, releases=1)
    assert not catalogue.units("parked")
    assert sha256_of(file_of(release)) == by_hand.digest(tmp_path, catalogue, release)


def test_a_month_that_kills_its_worker_is_parked_and_all_else_is_released(tmp_path: Path, archive: Path) -> None:
    months = sorted((archive / "level2").iterdir())
    bad = months[17].name
    with (
        Upstream.of_archive(archive) as upstream,
        system(
            tmp_path,
            settings_of(upstream, **killing(tmp_path, {"monthly:complete_month": bad}), GRAVSTREAM_LEASE="1"),
            longest_pause=0.5,
        ),
        Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue,
    ):
        took = until(lambda: released(catalogue, len(months) - 1), PATIENCE, "the release of all other months")
    parked = catalogue.units("parked")
    kills = list((tmp_path / "kills").glob("*.killed"))
    note("an input that kills its worker each time (parked, all else released)", [took])
    assert [unit.month for unit in parked] == [
        granule.month for granule in catalogue.granules("level-2") if granule.name == bad
    ]
    assert len(kills) == parked[0].attempts == 5
    assert parked[0].error_kind == "WorkerLost"
    assert_whole(tmp_path, catalogue, releases=1, parked=1)
