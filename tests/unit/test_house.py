"""The rules of the house that a linter cannot see, read off the source itself."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for top in ("shared", "services") for path in (PROJECT / top).rglob("*.py"))

# These compute: what they need is handed to them, and what they find they return.
SCIENCE = (
    "shared/geodesy/",
    "shared/models/",
    "services/process/level2b/",
    "services/process/level3/",
    "services/process/pipeline.py",
    "services/process/products.py",
)

# Who alone may import it: a format, a queue or a connection has one place each.
ONLY_IN = {
    "xarray": r"shared/formats/.*|services/publish/checks\.py",
    "netCDF4": r"shared/formats/.*|services/publish/checks\.py",
    "celery": r"shared/broker\.py|services/scheduler\.py|services/\w+/(app|tasks)\.py",
    "requests": r"services/ingest/sources/.*|services/publish/(targets|console)/.*",
    "http": r"services/ingest/sources/.*|services/publish/(targets|console)/.*|shared/simulation/upstream\.py",
    "urllib": r"services/ingest/sources/.*|services/publish/(targets|console)/.*"
    r"|shared/(simulation/upstream|settings/variables)\.py",
    "httpx": r"services/ingest/sources/.*|services/publish/(targets|console)/.*",
}

ENVIRONMENT = {"environ", "environb", "getenv", "putenv", "unsetenv"}
CLOCK = {"now", "utcnow", "today", "time", "time_ns", "perf_counter", "monotonic", "sleep", "getmtime"}
DISK = {
    "open", "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "is_dir", "iterdir", "glob",
    "rglob", "mkdir", "unlink", "rename", "touch", "stat", "load", "loadtxt", "genfromtxt", "fromfile", "memmap",
    "save", "savez", "savez_compressed", "savetxt", "tofile",
}  # fmt: skip

MODULE_LINES = 300
BODY_LINES = 50
SENTENCE_LENGTH = 80
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef


def name(path: Path) -> str:
    """The path inside the project, as a test is called by it."""
    return path.relative_to(PROJECT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level package of every import, wherever in the module it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module.partition(".")[0]


def is_science(path: Path) -> bool:
    return name(path).startswith(SCIENCE)


def touches_the_world(node: ast.AST) -> str | None:
    """What a call does that science must not: the name of the clock, disk or console function."""
    if not isinstance(node, ast.Call):
        return None
    called = node.func
    if isinstance(called, ast.Name) and called.id in {"open", "input", "print"}:
        return called.id
    if isinstance(called, ast.Attribute) and called.attr in CLOCK | DISK:
        return called.attr
    return None


def public(path: Path) -> Iterator[Documented]:
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in tree(path).body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                methods = (inner for inner in node.body if isinstance(inner, Function))
                yield from (method for method in methods if not method.name.startswith("_"))


def is_overload(node: Documented) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)


def sentence(docstring: str) -> str:
    """The first line without what stands in brackets (shapes, units, sources) or behind a semicolon (errors)."""
    first = docstring.strip().splitlines()[0].partition(";")[0]
    return re.sub(r" ?(\([^()]*(\([^()]*\)[^()]*)*\)|\[[^\]]*\])", "", first).strip()


def body_lines(function: Function) -> int:
    """Lines of a function behind its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def test_modules_are_found() -> None:
    assert len(SOURCES) > 10


@pytest.mark.parametrize("path", SOURCES, ids=name)
class TestEveryModule:
    def test_is_named_by_what_it_is_about(self, path: Path) -> None:
        assert not EMPTY_NAMES & set(path.relative_to(PROJECT).with_suffix("").parts)

    def test_can_be_read_in_one_sitting(self, path: Path) -> None:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MODULE_LINES, f"{lines} lines: it is about two things"

    def test_has_functions_that_fit_on_a_page(self, path: Path) -> None:
        found = [(node.name, body_lines(node)) for node in ast.walk(tree(path)) if isinstance(node, Function)]
        assert not [f"{function}: {lines} lines" for function, lines in found if lines > BODY_LINES]

    def test_says_what_its_public_names_are_in_a_short_sentence(self, path: Path) -> None:
        texts = [(node.name, ast.get_docstring(node)) for node in public(path) if not is_overload(node)]
        assert not [what for what, text in texts if not text], "without docstring"
        long = [(what, sentence(text)) for what, text in texts if text and len(sentence(text)) > SENTENCE_LENGTH]
        assert not [f"{what}: {len(first)} characters: {first}" for what, first in long]

    def test_leaves_the_environment_to_the_settings(self, path: Path) -> None:
        if name(path) == "shared/settings/variables.py":
            return
        nodes = ast.walk(tree(path))
        words = [(n.lineno, n.attr) for n in nodes if isinstance(n, ast.Attribute) and n.attr in ENVIRONMENT]
        froms = [n for n in ast.walk(tree(path)) if isinstance(n, ast.ImportFrom) and n.module == "os"]
        words += [(n.lineno, alias.name) for n in froms for alias in n.names if alias.name in ENVIRONMENT]
        assert not [f"line {line}: {word}" for line, word in words]

    def test_imports_each_outside_thing_only_where_its_place_is(self, path: Path) -> None:
        wrong = [(line, top) for line, top in imported(path) if not re.fullmatch(ONLY_IN.get(top, ".*"), name(path))]
        assert not [f"line {line}: {top} belongs into {ONLY_IN[top]}" for line, top in wrong]

    def test_of_science_touches_no_clock_disk_or_console(self, path: Path) -> None:
        if is_science(path):
            found = [(getattr(node, "lineno", 0), touches_the_world(node)) for node in ast.walk(tree(path))]
            assert not [f"line {line}: {call}()" for line, call in found if call]


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("datetime.now()", "now"),
        ("time.time()", "time"),
        ("open('month.gfc')", "open"),
        ("path.read_text()", "read_text"),
        ("np.load(path)", "load"),
        ("epoch.Span(begin, end)", None),
        ("re.match(pattern, text)", None),
    ],
)
def test_the_rule_sees_a_clock_and_a_disk_when_there_is_one(line: str, call: str | None) -> None:
    assert touches_the_world(ast.parse(line, mode="eval").body) == call


@pytest.mark.parametrize(
    ("docstring", "first"),
    [
        ("Radius [m] of a point (Moritz 1980, doi 10.1007/x).\n\nMore.", "Radius of a point."),
        ("Cut it; ValueError if it is smaller.", "Cut it"),
    ],
)
def test_shapes_units_sources_and_errors_do_not_count_as_sentence(docstring: str, first: str) -> None:
    assert sentence(docstring) == first


def test_tracked_text_holds_no_address_of_a_package_registry() -> None:
    texts = [
        *(PROJECT / "requirements").glob("*"),
        PROJECT / "Makefile",
        PROJECT / ".ci" / "run",
        PROJECT / "pyproject.toml",
    ]
    words = re.compile(r"https?://|--index-url|--extra-index-url|--find-links|--trusted-host")
    assert not [f"{name(path)}: {hit[0]}" for path in texts for hit in [words.search(path.read_text())] if hit]


def test_example_of_the_environment_lists_what_the_settings_read() -> None:
    modules = (PROJECT / "shared" / "settings").glob("*.py")
    read = re.findall(r"GRAVSTREAM_\w+", "".join(path.read_text(encoding="utf-8") for path in modules))
    listed = re.findall(r"GRAVSTREAM_\w+", (PROJECT / ".env.example").read_text(encoding="utf-8"))
    assert set(read) == set(listed)
