"""What the page consists of: ours is small, others' is as it was published."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

STATIC = Path(__file__).resolve().parents[4] / "services" / "publish" / "console" / "static"
VENDOR = STATIC / "vendor"
LARGEST = 200_000  # bytes of our own


def own() -> list[Path]:
    return [path for path in STATIC.rglob("*") if path.is_file() and VENDOR not in path.parents]


def test_our_own_files_are_small() -> None:
    assert sum(path.stat().st_size for path in own()) < LARGEST


def test_files_of_others_are_those_that_are_listed_bit_by_bit() -> None:
    listed = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    found = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file()}
    del found["SHA256SUMS"]
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == listed
    assert {name.partition("/")[0] for name in found if name.endswith("LICENSE")} == {
        name.partition("/")[0] for name in found
    }


def test_our_own_files_name_no_other_server_and_make_no_markup_of_data() -> None:
    words = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://(?!www\.w3\.org/2000/svg)"
    )
    hits = [f"{path.name}: {hit[0]}" for path in own() for hit in words.finditer(path.read_text(encoding="utf-8"))]
    assert not hits


def test_page_has_no_script_or_style_of_its_own() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
