"""ICGEM: the monthly fields of one series, listed on a page, one by one or all in one ZIP.

The series is a setting and never inferred, since releases overlap in months. A listing has names and rounded
sizes, no dates and no checksums: whether a file was replaced is told from its bytes.
"""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import quote, unquote, urljoin, urlsplit

from services.ingest.sources.links import folders_of, read_page, size_in
from services.ingest.sources.source import Listed, Listing, each_once
from services.ingest.sources.web import WebSource
from shared.settings import IngestSettings

ROLE = "level-2"

_FILE = re.compile(r"/getseries/.+\.(gfc|gfc\.gz|gz)")
_NAME = re.compile(r"\w[\w.+,()=@ -]*")


def icgem(settings: IngestSettings) -> WebSource:
    """The one series of ICGEM that the settings name."""
    base, series = settings.icgem_url.rstrip("/"), settings.series_path.strip("/")
    read = partial(read_listing, series=series)
    archive = f"{base}/getseries/{quote(series)}"
    return WebSource("icgem", settings, f"{base}/sp/{quote(series)}", read, archive=archive)


def read_listing(text: str, url: str, series: str) -> Listing:
    """The files of a series on its page.

    Parameters
    ----------
    text, url : the page and its address
    series : path of the series; files of other series and of its subsets are not taken
    """
    page = read_page(text)
    host, wanted = urlsplit(url).netloc, f"/getseries/{unquote(series).strip('/')}"
    entries, elsewhere = [], []
    for link in page.links:
        # Raw spaces stand in addresses, and breadcrumbs carry a double slash.
        split = urlsplit(urljoin(url, link.address))
        path = re.sub(r"/{2,}", "/", unquote(split.path))
        if split.netloc != host or not _FILE.fullmatch(path):
            continue
        folder, _, name = path.rpartition("/")
        if folder != wanted or not _NAME.fullmatch(name):
            elsewhere.append(path)
            continue
        size, tolerance = size_in(link.after)
        address = f"{split.scheme}://{split.netloc}{quote(path)}"
        entries.append(Listed(ROLE, name, address, size, tolerance))
    single, doubles = each_once(entries)
    if not entries:
        remark = f"no file of the series {series} is linked on {url}"
        if elsewhere:
            remark += f"; files of {', '.join(folders_of(elsewhere))} are"
        return Listing((), "layout-changed", remark)
    return Listing(single, "listed", "", page.behind("Licence"), page.behind("Citation"), doubles)
