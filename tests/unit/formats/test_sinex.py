"""SINEX normal equations: every layout gives the same matrix, every damage has a name."""

import gzip
import hashlib
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats import sinex_text
from shared.formats.dense_normals import read_dense, write_dense
from shared.formats.sinex import read_normals
from shared.formats.sinex_numbers import DONE, TWICE, read_lines
from shared.formats.sinex_writer import sinex_bytes, write_normals
from shared.geodesy import normals as equations
from shared.models.auxiliaries import NormalMatrix
from shared.models.epoch import Month, Span
from shared.models.provenance import Source

NMAX = 5
COUNT = equations.size(NMAX)
HEAD12 = "ITSG-Grace2018_n96_2008-04_head12.snx"


def matrix_of(nmax: int = NMAX) -> np.ndarray:
    """A positive definite matrix of real size, rounded to the 15 digits of the format; both triangles."""
    values = np.random.default_rng(1).standard_normal((equations.size(nmax), 2 * equations.size(nmax)))
    full = 1e22 * (values @ values.T)
    return np.vectorize(lambda value: float(f"{value:.14e}"))(full)


def normals_of(matrix: np.ndarray) -> NormalMatrix:
    nmax = equations.maximum_degree(len(matrix))
    return NormalMatrix(
        np.triu(matrix), nmax, Month(2008, 4), Span(54557.0, 54587.0), Source("normals", "n.snx", "0" * 64)
    )


def text_of(matrix: np.ndarray, *, order: list[int] | None = None, lower: bool = False, exponent: str = "e") -> str:
    """The same file as the writer's by other means: any order of parameters, either triangle, line by line."""
    nmax = equations.maximum_degree(len(matrix))
    at = equations.parameters(nmax)
    order = list(range(len(matrix))) if order is None else order
    rows = [f"%=SNX 2.02 TUG 18:300:38958 TUG 08:092:00000 08:122:00000 C {len(order):05d} 2 2", "+SOLUTION/APRIORI"]
    for number, row in enumerate(order, start=1):
        kind = "SN" if at.sine[row] else "CN"
        rows.append(f" {number:5d} {kind} {at.degree[row]} -- {at.order[row]} 08:107:00000 ---- 2 1.0e-10 0.0")
    rows += ["-SOLUTION/APRIORI", f"+SOLUTION/NORMAL_EQUATION_MATRIX {'L' if lower else 'U'}", "*PARA1 PARA2"]
    for i, one in enumerate(order):
        columns = range(i + 1) if lower else range(i, len(order))
        for start in range(0, len(columns), 3):
            values = [matrix[one, order[j]] for j in columns[start : start + 3]]
            if any(values):
                shown = " ".join(f"{value:21.14e}".replace("e", exponent) for value in values)
                rows.append(f"{i + 1:6d} {columns[start] + 1:5d} {shown}")
    return "\n".join([*rows, f"-SOLUTION/NORMAL_EQUATION_MATRIX {'L' if lower else 'U'}", "%ENDSNX", ""])


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def _save(content: str | bytes, name: str = "normals.snx") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _save


Save = Callable[..., Path]


class TestEveryLayoutGivesTheSameMatrix:
    @pytest.mark.parametrize("lower", [False, True])
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_upper_or_lower_in_any_order(self, save: Save, lower: bool, seed: int) -> None:
        matrix = matrix_of()
        order = random.Random(seed).sample(range(COUNT), COUNT) if seed else None
        found = read_normals(save(text_of(matrix, order=order, lower=lower)))
        assert np.array_equal(found.matrix, np.triu(matrix))
        assert found.nmax == NMAX

    @pytest.mark.parametrize("exponent", ["E", "d", "D"])
    def test_any_letter_of_the_exponent(self, save: Save, exponent: str) -> None:
        matrix = matrix_of()
        assert np.array_equal(read_normals(save(text_of(matrix, exponent=exponent))).matrix, np.triu(matrix))

    def test_line_ends_of_windows_comments_and_blank_lines(self, save: Save) -> None:
        matrix = matrix_of()
        text = text_of(matrix).replace("*PARA1 PARA2", "*PARA1 PARA2\n\n* SOLUTION\n").replace("\n", "\r\n")
        assert np.array_equal(read_normals(save(text)).matrix, np.triu(matrix))

    def test_triples_of_zeros_may_be_missing(self, save: Save) -> None:
        matrix = np.where(np.random.default_rng(2).random((COUNT, COUNT)) < 0.3, matrix_of(), 0.0)
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
        matrix[np.diag_indices(COUNT)] = 1e23
        text = sinex_bytes(normals_of(matrix), np.zeros(COUNT))
        complete = sinex_bytes(normals_of(matrix_of()), np.zeros(COUNT))
        assert text.count(b"\n") < complete.count(b"\n")
        assert np.array_equal(read_normals(save(text)).matrix, np.triu(matrix))

    @pytest.mark.parametrize("piece", [300, 777, 5000])
    @pytest.mark.parametrize("packed", [False, True])
    def test_pieces_of_any_size_on_any_number_of_threads(
        self, save: Save, monkeypatch: pytest.MonkeyPatch, piece: int, packed: bool
    ) -> None:
        matrix = matrix_of()
        text = text_of(matrix).encode()
        path = save(gzip.compress(text) if packed else text)
        monkeypatch.setattr(sinex_text, "_PIECE", piece)
        monkeypatch.setattr(sinex_text, "_BLOCK", piece // 3)
        for threads in (1, 2, 3):
            assert np.array_equal(read_normals(path, threads=threads).matrix, np.triu(matrix))

    def test_end_of_the_matrix_may_fall_between_two_pieces(self, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
        matrix = matrix_of(3)
        path = save(text_of(matrix))
        for piece in range(200, 260):  # the last line has 34 bytes: some of these cut it at each of them
            monkeypatch.setattr(sinex_text, "_PIECE", piece)
            monkeypatch.setattr(sinex_text, "_BLOCK", 100)
            assert np.array_equal(read_normals(path).matrix, np.triu(matrix))

    def test_file_without_last_line_feed(self, save: Save) -> None:
        assert read_normals(save(text_of(matrix_of()).rstrip())).nmax == NMAX


def test_what_the_writer_writes_the_reader_reads(tmp_path: Path) -> None:
    normals = normals_of(matrix_of())
    for name in ("month_2008-04.snx", "month_2008-04.snx.gz"):
        write_normals(tmp_path / name, normals, np.arange(COUNT) * 1e-10)
        found = read_normals(tmp_path / name)
        assert np.array_equal(found.matrix, normals.matrix)
        assert (found.month, found.span) == (normals.month, normals.span)
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert found.source == Source("normals", name, digest)
    assert len(list(tmp_path.iterdir())) == 2  # nothing half-written beside them


def test_writer_orders_parameters_by_degree(tmp_path: Path) -> None:
    text = sinex_bytes(normals_of(matrix_of()), np.zeros(COUNT)).decode()
    listed = re.findall(r"^ +\d+ ([CS]N) +(\d+) -- +(\d+)", text, re.MULTILINE)
    first = ["".join([kind[0], degree, order]) for kind, degree, order in listed[:7]]
    assert first == ["C20", "C21", "S21", "C22", "S22", "C30", "C31"]


def test_span_is_open_where_the_header_leaves_it_open(save: Save) -> None:
    text = text_of(matrix_of()).replace("08:092:00000", "00:000:00000")
    found = read_normals(save(text))
    assert found.span is None
    assert found.month is None


def test_cut_equals_the_cut_of_the_matrix(save: Save) -> None:
    matrix = matrix_of()
    order = random.Random(3).sample(range(COUNT), COUNT)
    found = read_normals(save(text_of(matrix, order=order)), nmax=3)
    assert found.nmax == 3
    assert np.array_equal(found.matrix, equations.cut(np.triu(matrix), 3))


def test_degrees_0_and_1_are_cut(save: Save) -> None:
    matrix = matrix_of()
    text = (
        text_of(matrix).replace("C 00032", "C 00033").replace("-SOLUTION/APR", "33 CN 1 -- 0 0 - 2 0 0\n-SOLUTION/APR")
    )
    text = text.replace("-SOLUTION/NORMAL", "33 33 1e20\n-SOLUTION/NORMAL").replace("*PARA1 PARA2", "1 33 5e19")
    assert np.array_equal(read_normals(save(text)).matrix, np.triu(matrix))


def test_known_digest_is_taken_as_it_is(save: Save) -> None:
    assert read_normals(save(text_of(matrix_of())), sha256="abc").source.sha256 == "abc"


class TestNumbers:
    """Correctly rounded: the same bits as Python's own conversion, which is exact."""

    @staticmethod
    def parsed(words: list[str]) -> np.ndarray:
        count = len(words)
        matrix = np.zeros((1, count))
        text = "".join(f"1 {column} {word}\n" for column, word in enumerate(words, start=1))
        # One row and many columns: only the first parameter is in the matrix' row.
        places = np.arange(count)
        assert read_lines(text.encode(), places, True, matrix) == (DONE, len(text), count)
        return matrix[0]

    @pytest.mark.parametrize("digits", [14, 15, 16, 17, 25])
    @pytest.mark.parametrize(("low", "high"), [(-5, 5), (5, 35), (-300, 300), (-330, -300)])
    def test_are_rounded_as_python_does(self, digits: int, low: int, high: int) -> None:
        source = random.Random(digits)
        words = [
            f"{source.choice(['', '-', '+'])}{source.randint(1, 9)}.{source.randrange(10**digits):0{digits}d}"
            f"{source.choice('eEdD')}{source.randint(low, high):+03d}"
            for _ in range(3000)
        ]
        expected = np.array([float(word.replace("d", "e").replace("D", "e")) for word in words])
        assert self.parsed(words).tobytes() == expected.tobytes()

    def test_of_any_usual_form_are_read(self) -> None:
        words = ["1", "-1", "+1.", ".5", "-.5e1", "0.1D+02", "1e22", "1e23", "9007199254740993", "0.3", "5e-324"]
        words += ["1" * 18, "1" * 19, "0.000000000000000000001e21"]
        assert self.parsed(words).tolist() == [float(word.replace("D", "e")) for word in words]

    def test_many_slow_ones_do_not_overflow_their_table(self) -> None:
        words = [f"1.{number:020d}" for number in range(70000)]
        assert self.parsed(words).tolist() == [float(word) for word in words]

    def test_slow_one_for_the_second_time_is_seen(self) -> None:
        text = b"1 1 1.00000000000000000001\n1 1 1.00000000000000000001\n"
        assert read_lines(text, np.arange(1), True, np.zeros((1, 1)))[0] == TWICE


def edited(old: str, new: str) -> Callable[[str], str]:
    """The file with one place changed."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


DAMAGES = {
    "a web page": (lambda text: "<!DOCTYPE html>\n<html>" + text, "web page", None),
    "an empty file": (lambda text: "", "empty", 1),
    "another format": (lambda text: "product_type gravity_field\n" + text, "instead of %=SNX", 1),
    "no footer": (edited("%ENDSNX\n", ""), "truncated: its last line", None),
    "end inside the matrix": (
        lambda text: text[: text.index("-SOLUTION/NORMAL") - 70],
        "truncated: it ends inside",
        223,
    ),
    "end before the matrix": (lambda text: text[: text.index("+SOLUTION/NORMAL")], "no block SOLUTION/NORMAL", None),
    "end in the first line of the matrix": (lambda text: text[: text.index("MATRIX U") + 6], "truncated", None),
    "no list of parameters": (edited("-SOLUTION/APRIORI\n", ""), "no complete block", None),
    "count in the header": (edited("C 00032", "C 09405"), "announces 9405 parameters, the file lists 32", 1),
    "header without a count": (edited(" C 00032 2 2", ""), "without the number", 1),
    "header with a word for a span": (edited("08:122:00000", "08:xxx:00000"), "YY:DDD:SSSSS", 1),
    "unknown type": (edited("     2 CN", "     2 STAX"), "neither CN nor SN", 4),
    "broken parameter": (edited("     2 CN 3", "     2 CN x"), "degree, -- and order", 4),
    "impossible parameter": (edited("     2 CN 3 -- 0", "     2 CN 3 -- 4"), "no field has", 4),
    "parameter twice": (edited("     2 CN 3 -- 0", "     2 CN 2 -- 0"), "second time", 4),
    "index twice": (edited("     2 CN", "     1 CN"), "second time", 4),
    "gap in the index": (edited("    32 SN", "    99 SN"), "not numbered from 1 to 32", None),
    "parameters missing": (edited("     2 CN 3 -- 0", "     2 CN 6 -- 0"), "are missing, first CN 3 0", None),
    "another kind": (edited("MATRIX U", "MATRIX F"), "kind 'F'", 36),
    "bad number": (edited("e+23", "e+2x"), "finite numbers", 38),
    "not a number": (lambda text: re.sub(r"(     1     1 +)\S+", r"\1nan", text), "finite numbers", 38),
    "infinite number": (edited("e+23", "e+999"), "finite numbers", 38),
    "four numbers": (lambda text: re.sub(r"(\n     1     1 .*)", r"\1 1.0e0", text), "finite numbers", 38),
    "no number": (lambda text: re.sub(r"(\n     1     1) .*", r"\1", text), "finite numbers", 38),
    "row out of range": (edited("     2     2 ", "    33    33 "), "does not list", 49),
    "column out of range": (edited("    32    32 ", "    32    33 "), "does not list", 224),
    "zero as an index": (edited("     1     1 ", "     0     1 "), "does not list", 38),
    "other triangle": (edited("     2     2 ", "     2     1 "), "other triangle", 49),
    "value twice": (edited("     1     4 ", "     1     1 "), "there before", 39),
    "nothing on the diagonal": (
        lambda text: re.sub(r"\n    32    32 .*", "", text),
        "diagonal for 1 parameters, first SN 5 5",
        None,
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_has_a_name_and_a_line(save: Save, damage: str) -> None:
    edit, found, line = DAMAGES[damage]
    path = save(edit(text_of(matrix_of())))
    with pytest.raises(GranuleRejected, match=re.escape(found)) as caught:
        read_normals(path)
    assert caught.value.file == path.name
    assert caught.value.line == line
    assert caught.value.advice


def test_more_values_than_a_triangle_has_are_refused(save: Save) -> None:
    text = text_of(matrix_of()).replace("-SOLUTION/NORMAL", "1 5 0.0\n-SOLUTION/NORMAL")
    with pytest.raises(GranuleRejected, match="529 values are more than a triangle of 32"):
        read_normals(save(text))


def test_normals_below_the_field_are_refused(save: Save) -> None:
    with pytest.raises(GranuleRejected, match="end at degree 5, degree 6 is needed"):
        read_normals(save(text_of(matrix_of())), nmax=6)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_truncated_gzip_is_refused(save: Save, keep: float) -> None:
    packed = gzip.compress(text_of(matrix_of()).encode())
    with pytest.raises(GranuleRejected, match="truncated: its gzip stream"):
        read_normals(save(packed[: int(keep * len(packed))]))


def test_damaged_gzip_is_refused(save: Save) -> None:
    packed = bytearray(gzip.compress(text_of(matrix_of()).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = bytes(40)
    with pytest.raises(GranuleRejected, match="damaged gzip stream"):
        read_normals(save(bytes(packed)))


def test_real_head_is_refused_for_its_count(real_data: Path) -> None:
    with pytest.raises(GranuleRejected, match="announces 9405 parameters, the file lists 12") as caught:
        read_normals(real_data / "sinex" / HEAD12)
    assert caught.value.line == 1


def test_real_head_with_its_true_count_is_read(real_data: Path, save: Save) -> None:
    text = (real_data / "sinex" / HEAD12).read_text().replace("C 09405", "C 00012")
    found = read_normals(save(text, HEAD12))
    assert found.nmax == 3
    assert found.month == Month(2008, 4)
    assert found.span == Month(2008, 4).calendar
    at = equations.parameters(3)

    def value(one: tuple[int, int, bool], other: tuple[int, int, bool]) -> float:
        places = sorted(
            int(np.flatnonzero((at.degree == n) & (at.order == m) & (at.sine == s))[0]) for n, m, s in (one, other)
        )
        return float(found.matrix[places[0], places[1]])

    # As they stand in the file: 1 1, 5 11 and 12 12, with 1 = C20, 5 = S22, 11 = C33, 12 = S33
    assert value((2, 0, False), (2, 0, False)) == 8.59916099094942e21
    assert value((2, 2, True), (3, 3, False)) == -8.34898422841072e20
    assert value((3, 3, True), (3, 3, True)) == 1.03389707241910e23
    assert np.count_nonzero(found.matrix) == 78
    equations.verify_spd(found.matrix)


class TestDenseFile:
    def test_gives_back_what_it_was_given(self, tmp_path: Path) -> None:
        normals = normals_of(matrix_of())
        write_dense(tmp_path / "n.dense", normals)
        found = read_dense(tmp_path / "n.dense")
        assert np.array_equal(found.matrix, normals.matrix)
        assert not found.matrix.flags.writeable
        assert (found.nmax, found.month, found.span, found.source) == (
            normals.nmax, normals.month, normals.span, normals.source,
        )  # fmt: skip
        assert found.verified
        assert [path.name for path in tmp_path.iterdir()] == ["n.dense"]

    def test_leaves_the_lower_triangle_away(self, tmp_path: Path) -> None:
        write_dense(tmp_path / "n.dense", normals_of(matrix_of()))
        write_dense(tmp_path / "full.dense", NormalMatrix(matrix_of(), NMAX, None, None, Source("normals", "n", "0")))
        assert np.array_equal(read_dense(tmp_path / "n.dense").matrix, read_dense(tmp_path / "full.dense").matrix)

    def test_is_not_made_of_a_matrix_that_is_not_positive_definite(self, tmp_path: Path) -> None:
        matrix = matrix_of()
        matrix[0, 0] *= -1.0
        with pytest.raises(ValueError, match="not positive definite"):
            write_dense(tmp_path / "n.dense", normals_of(matrix))
        assert not list(tmp_path.iterdir())

    def test_month_and_span_may_be_unknown(self, tmp_path: Path) -> None:
        write_dense(tmp_path / "n.dense", NormalMatrix(matrix_of(), NMAX, None, None, Source("normals", "n", "0")))
        found = read_dense(tmp_path / "n.dense")
        assert found.month is None
        assert found.span is None

    @pytest.mark.parametrize(
        ("edit", "found"),
        [
            (lambda content: content[:-8], "12280 bytes where normals of degree 5 have 12288"),
            (lambda content: b"%=SNX 2.02" + content, "not a file of"),
            (lambda content: b"", "not a file of"),
            (lambda content: content.replace(b"normals 1", b"normals 2"), "not a file of"),
            (lambda content: content.replace(b'"nmax": 5', b'"nmax":"" '), "damaged header"),
        ],
    )
    def test_damaged_is_refused(self, tmp_path: Path, edit: Callable[[bytes], bytes], found: str) -> None:
        path = tmp_path / "n.dense"
        write_dense(path, normals_of(matrix_of()))
        path.write_bytes(edit(path.read_bytes()))
        with pytest.raises(GranuleRejected, match=found):
            read_dense(path)
