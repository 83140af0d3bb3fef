"""Files of releases over HTTP: whole, in parts, and as the libraries of their users open them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import httpx
import numpy as np
import pystac
import pystac_client
import pytest
import xarray

from tests.console_home import Home
from tests.integration.console.conftest import Console, Serve

RELEASE = "twsa-v1.0-003"
FILES = f"/api/v1/releases/{RELEASE}/files"


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def maps(lived_home: Home) -> Path:
    """The file of maps of the newest release, as it lies on the disk."""
    return next((lived_home.home / "releases" / "twsa" / RELEASE).glob("*.nc"))


class TestFile:
    def test_comes_as_it_was_released_and_its_tag_is_its_digest(self, client: httpx.Client, maps: Path) -> None:
        answer = client.get(f"{FILES}/{maps.name}")
        assert answer.status_code == 200
        assert answer.content == maps.read_bytes()
        assert answer.headers["etag"] == f'"{hashlib.sha256(maps.read_bytes()).hexdigest()}"'
        assert answer.headers["content-type"] == "application/netcdf"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["accept-ranges"] == "bytes"

    def test_every_file_of_a_release_comes_with_the_digest_that_is_listed(self, client: httpx.Client) -> None:
        for file in client.get(f"/api/v1/releases/{RELEASE}").json()["files"]:
            answer = client.get(file["href"])
            assert (hashlib.sha256(answer.content).hexdigest(), len(answer.content)) == (file["sha256"], file["size"])

    @pytest.mark.parametrize(
        ("asked", "part"),
        [
            ("bytes=0-99", slice(0, 100)),
            ("bytes=1000-1999", slice(1000, 2000)),
            ("bytes=1000-", slice(1000, None)),
            ("bytes=-10", slice(-10, None)),
            ("bytes=0-99999999999", slice(0, None)),
        ],
    )
    def test_a_range_is_answered_with_that_part(
        self, client: httpx.Client, maps: Path, asked: str, part: slice
    ) -> None:
        answer = client.get(f"{FILES}/{maps.name}", headers={"Range": asked})
        content = maps.read_bytes()
        assert (answer.status_code, answer.content) == (206, content[part])
        first = range(len(content))[part][0]
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(content[part]) - 1}/{len(content)}"

    @pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
    def test_a_range_behind_the_end_is_refused(self, client: httpx.Client, maps: Path, asked: str) -> None:
        answer = client.get(f"{FILES}/{maps.name}", headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{maps.stat().st_size}"
        assert set(answer.json()) == {"error", "advice"}

    def test_is_not_sent_again_to_one_who_has_it(self, client: httpx.Client, maps: Path) -> None:
        tag = client.head(f"{FILES}/{maps.name}").headers["etag"]
        for condition in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            answer = client.get(f"{FILES}/{maps.name}", headers={"If-None-Match": condition})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert client.get(f"{FILES}/{maps.name}", headers={"If-None-Match": '"other"'}).status_code == 200

    def test_a_part_of_another_version_is_sent_whole(self, client: httpx.Client, maps: Path) -> None:
        headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
        answer = client.get(f"{FILES}/{maps.name}", headers=headers)
        assert (answer.status_code, len(answer.content)) == (200, maps.stat().st_size)

    def test_its_head_tells_its_size_alone(self, client: httpx.Client, maps: Path) -> None:
        answer = client.head(f"{FILES}/{maps.name}")
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) == maps.stat().st_size

    @pytest.mark.parametrize(
        "name",
        [
            "nothing.nc",
            "..%2f..%2ftwsa-v1.0-001%2fmanifest.json",
            "%2e%2e/%2e%2e/%2e%2e/catalogue.sqlite",
            "..%5c..%5ccatalogue.sqlite",
            "%2fetc%2fpasswd",
            "stac",
            "",
            "manifest.json%00",
        ],
    )
    def test_what_is_no_file_of_the_release_is_not_there(self, client: httpx.Client, name: str) -> None:
        answer = client.get(f"{FILES}/{name}")
        assert answer.status_code in (404, 422)
        assert set(answer.json()) == {"error", "advice"}

    def test_of_a_retracted_release_is_gone_and_the_answer_names_another(self, client: httpx.Client) -> None:
        answer = client.get("/api/v1/releases/twsa-v1.0-002/files/manifest.json")
        assert answer.status_code == 410
        assert answer.json() == {
            "error": "twsa-v1.0-002 was retracted: the wrong month was in it", "advice": f"Use {RELEASE} instead."
        }  # fmt: skip

    def test_of_a_held_release_is_not_to_be_had(self, client: httpx.Client) -> None:
        answer = client.get("/api/v1/releases/twsa-v1.0-004/files/manifest.json")
        assert (answer.status_code, answer.json()["error"]) == (404, "twsa-v1.0-004 is held and has no files")

    def test_of_a_closed_console_is_kept_by_its_reader_alone(self, serve: Serve) -> None:
        with serve(reading="closed").client("operator") as reader:
            answer = reader.get(f"{FILES}/manifest.json")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, max-age=31536000, immutable")


class TestLatest:
    def test_leads_to_the_maps_of_the_newest_release(self, client: httpx.Client, maps: Path) -> None:
        answer = client.get("/latest/twsa", follow_redirects=True)
        assert answer.url.path == f"{FILES}/{maps.name}"
        assert answer.content == maps.read_bytes()

    def test_of_many_files_leads_nowhere_and_says_where_they_are(self, client: httpx.Client) -> None:
        answer = client.get("/latest/l2b")
        assert answer.status_code == 404
        assert "/api/v1/releases/l2b-0001-002" in answer.json()["advice"]


def test_xarray_reads_one_month_over_http_without_fetching_the_whole(console: Console, maps: Path) -> None:
    pytest.importorskip("h5py")  # what h5netcdf reads with
    sent: list[int] = []
    address = f"{console.url}{FILES}/{maps.name}"
    with fsspec.open(address, block_size=2**16, cache_type="readahead") as remote:
        fetch = remote.fs.loop and remote.cache.fetcher
        remote.cache.fetcher = lambda start, end: sent.append(end - start) or fetch(start, end)
        with xarray.open_dataset(remote, engine="h5netcdf") as there, xarray.open_dataset(maps) as here:
            np.testing.assert_array_equal(there["twsa"][3].values, here["twsa"][3].values)
            np.testing.assert_array_equal(there["time"].values, here["time"].values)
    # A chunk holds several months of this short record, and both maps are as large.
    assert 0 < sum(sent) < 0.75 * maps.stat().st_size


@pytest.fixture(scope="module")
def catalogue(console: Console) -> Any:
    # It is a catalogue to walk, without a search.
    with pytest.warns(pystac_client.warnings.NoConformsTo):
        return pystac_client.Client.open(f"{console.url}/stac")


@pytest.mark.filterwarnings("ignore::pystac_client.warnings.FallbackToPystac")
class TestStac:
    def test_pystac_client_walks_collections_and_items(self, catalogue: pystac_client.Client) -> None:
        walked = {each.id: sorted(item.id for item in each.get_items()) for each in catalogue.get_children()}
        assert walked == {
            "twsa": ["twsa-v1.0-001", "twsa-v1.0-003"],
            "l2b": ["l2b-0001-001", "l2b-0001-002"],
        }

    def test_an_asset_is_the_file_with_its_digest(self, catalogue: pystac_client.Client, maps: Path) -> None:
        item = catalogue.get_child("twsa").get_item(RELEASE)
        asset = item.assets["data"]
        content = httpx.get(asset.get_absolute_href()).content
        assert content == maps.read_bytes()
        # A multihash: 0x12 for SHA-256, 0x20 for its length.
        assert asset.extra_fields["file:checksum"] == f"1220{hashlib.sha256(content).hexdigest()}"

    def test_every_link_leads_to_what_it_says(self, console: Console, catalogue: pystac_client.Client) -> None:
        for item in catalogue.get_items(recursive=True):
            kinds = {link.rel: link for link in item.links}
            assert httpx.get(kinds["self"].absolute_href).json()["id"] == item.id
            assert httpx.get(kinds["parent"].absolute_href).json()["id"] == item.collection_id
            assert isinstance(item, pystac.Item) and kinds["root"].absolute_href == f"{console.url}/stac"

    def test_addresses_are_those_by_which_users_know_the_console(self, serve: Serve) -> None:
        behind = serve(url="https://data.example.org/grace/")
        with behind.client() as client:
            words = client.get("/stac/twsa/twsa-v1.0-003").json()
        links = [each["href"] for each in (*words["links"], *words["assets"].values())]
        assert all(href.startswith("https://data.example.org/grace/") for href in links)
