"""Pages in the form of ICGEM's and ISDC's: the same structure of links, own words."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

_ICGEM = """<!DOCTYPE html>
<html>
    <head>
        <meta content="text/html; charset=utf-8" http-equiv="Content-Type">
        <title>SIMULATED centre of gravity field models</title>
        <script>function key() {{ if (1 < 2) {{ show('<a href="/getseries/no/such/file.gfc">gfc</a>'); }} }}</script>
        <style>table tr.level1 td.name {{ padding-left: 1em; }}</style>
    </head>
    <body>
        <div id="menu">
            <a class="sub " href="/home">Home</a>
            <a class="sub " href="/sl/temporal">Temporal Models</a>
        </div>
        <h1>SIMULATED: monthly gravity fields</h1>
        <h2>&nbsp;/&nbsp; <a href="/sp//{parent}">{group}</a> &nbsp;/&nbsp; {series}</h2>
        <div class="row my-1">
            <div class="col-auto fw-bold align-self-center">Citation:</div>
            <div class="col align-self-center">{citation}
</div>
        </div>
        <div class="row my-1">
            <div class="col-auto fw-bold align-self-center">Licence:</div>
            <div class="col align-self-center">{licence}&nbsp;&nbsp;
                <a href="https://creativecommons.org/licenses/by/4.0/" target="_blank">CC-BY</a>
            </div>
        </div>
        <hr>
        <p class="fw-bold">All models of this set as <a href="/getseries/{path}">zip</a>, or one by one.<br></p>
        <table class="ms-1 me-auto fw-bold">
{rows}
        </table>
    </body>
</html>
"""
_ICGEM_ROW = """            <tr class="level1">
    <td class="name" colspan="3">{name}</td>
    <td class="download">
        <a href="/getseries/{path}/{name}">gfc</a>
&nbsp;({size})    </td>
    </tr>
"""
_CHANGED_ROW = """            <li><button data-model="{name}">show</button> {size}</li>
"""
_APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html>
 <head><title>Index of {path}</title></head>
 <body>
<h1>Index of {path}</h1>
<pre>      <a href="?C=N;O=D">Name</a>  <a href="?C=M;O=A">Last modified</a>  <a href="?C=S;O=A">Size</a><hr>
      <a href="{parent}">Parent Directory</a>                             -
{rows}<hr></pre>
</body></html>
"""

_BOMB = 64 << 20  # bytes, that pack into 64 kB


@dataclass(frozen=True)
class Shown:
    """A file as a page shows it; size in bytes."""

    name: str
    size: int
    modified: datetime


def series_page(series: str, files: Sequence[Shown], licence: str, citation: str, *, linked: bool = True) -> str:
    """The page of a series at ICGEM; not `linked`: with the same files, but in another layout, without links."""
    parent, _, name = series.rpartition("/")
    # ICGEM writes spaces as they are, and ampersands as entities.
    path = html.escape(series)
    row = _ICGEM_ROW if linked else _CHANGED_ROW
    rows = "\n".join(row.format(name=html.escape(each.name), path=path, size=_kib(each.size)) for each in files)
    return _ICGEM.format(
        parent=html.escape(parent), group=html.escape(parent.rpartition("/")[2]), series=html.escape(name), path=path,
        citation=html.escape(citation), licence=html.escape(licence), rows=rows,
    )  # fmt: skip


def folder_page(path: str, files: Sequence[Shown], *, linked: bool = True) -> str:
    """A folder as Apache lists it."""
    rows = ""
    for each in files:
        name = html.escape(each.name)
        link = f'<a href="{name.replace("+", "%2B")}">{name}</a>' if linked else name
        rows += f"      {link}  {each.modified:%Y-%m-%d %H:%M}  {_short(each.size):>5}\n"
    parent = path.rstrip("/").rpartition("/")[0] + "/"
    return _APACHE.format(path=html.escape(path), parent=html.escape(parent), rows=rows)


def error_page(title: str) -> str:
    """What a server in trouble says, often with status 200."""
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


def _kib(size: int) -> str:
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / 1048576:.1f} MiB"


def _short(size: int) -> str:
    if size < 1024:
        return str(size)
    kib = size / 1024
    if kib < 1024:
        return f"{kib:.1f}K" if kib < 10 else f"{kib:.0f}K"
    return f"{kib / 1024:.1f}M" if kib < 10240 else f"{kib / 1024:.0f}M"


def series_zip(series: str, files: Mapping[str, bytes], fault: str | None = None) -> bytes:
    """All months in one ZIP, as ICGEM packs a series; `bomb`, `traversal`, `no-zip`: one to be refused."""
    if fault == "no-zip":
        return b"PK\x03\x04" + bytes(1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            # What is packed already is not packed again; one second a month else.
            how = zipfile.ZIP_STORED if name.endswith(".gz") else zipfile.ZIP_DEFLATED
            archive.writestr(f"{series.rpartition('/')[2]}/{name}", content, how, compresslevel=1)
        if fault == "bomb":
            archive.writestr("bomb.gfc", bytes(_BOMB), zipfile.ZIP_DEFLATED, compresslevel=9)
        elif fault == "traversal":
            archive.writestr("../../escaped.gfc", b"out of the folder")
    return packed.getvalue()
