"""The decorrelation filter: the official DDK2 pair, dense linear algebra, and limits in closed form."""

from pathlib import Path

import numpy as np
import pytest

from shared import settings
from shared.formats.bundled import ddk_normals
from shared.geodesy import normals, ordering
from shared.geodesy.decorrelation import FIRST_DEGREE, cut_blocks, filter_blocks

NMAX = 6
DDK2 = 1e13  # strength of DDK2 for the synthetic normals of Kusche et al. (2009)


def make_blocks(nmax: int = NMAX, seed: int = 1, first: int = FIRST_DEGREE) -> tuple[np.ndarray, ...]:
    """Positive definite blocks C0, C1, S1, ... with all degrees correlated."""
    random, blocks = np.random.default_rng(seed), []
    for block in ordering.blocks(nmax):
        rows = nmax + 1 - max(block.order, first)
        root = random.standard_normal((rows, rows + 2))
        blocks.append(root @ root.T + 0.1 * np.eye(rows))
    return tuple(blocks)


def filtered_places(nmax: int = NMAX) -> np.ndarray:
    """Places of the coefficients of degree 2 and above, in the order of the blocks."""
    return np.flatnonzero(ordering.index(nmax).degree >= FIRST_DEGREE)


def dense(blocks: tuple[np.ndarray, ...]) -> np.ndarray:
    """The full matrix of which these are the blocks."""
    count = sum(block.shape[0] for block in blocks)
    matrix, start = np.zeros((count, count)), 0
    for block in blocks:
        stop = start + block.shape[0]
        matrix[start:stop, start:stop] = block
        start = stop
    return matrix


def random_field(nmax: int = NMAX, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(ordering.size(nmax))


def read_pair(folder: Path, kind: str) -> np.ndarray:
    """A field of the official test: a line META, then n m C S [and errors] in free columns."""
    rows = np.loadtxt(folder / f"GSM-2_2008122-2008153_0030_EIGEN_G---_0004{kind}", skiprows=1)
    nmax = int(rows[:, 0].max())
    triangles = np.zeros((2, nmax + 1, nmax + 1))
    n, m = rows[:, 0].astype(int), rows[:, 1].astype(int)
    triangles[0, n, m], triangles[1, n, m] = rows[:, 2], rows[:, 3]
    return ordering.pack(triangles)


@pytest.mark.parametrize(("given", "published"), [("in", "out"), ("lmax60in", "lmax60out")], ids=["n120", "n60"])
def test_the_published_ddk2_field_comes_out(real_data: Path, given: str, published: str) -> None:
    carried = ddk_normals(settings.cache_folder())
    field, expected = (read_pair(real_data / "filters", kind) for kind in (given, published))
    # At n60 the sub-block of the filter of degree 120 was used: the field counts as zero above.
    wide = ordering.extend(field, carried.nmax)
    found = filter_blocks(cut_blocks(carried.blocks, carried.nmax), [DDK2], wide)[0]
    found = ordering.truncate(found, ordering.maximum_degree(field.size))
    # The published matrix went through an inversion of its own, whose rounding is not known: 2e-11 of the field.
    assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()
    # Every degree by itself, of which strong filtering leaves as little as a millionth: ten times that.
    degree = ordering.index(ordering.maximum_degree(field.size)).degree
    power, error = (np.bincount(degree, values**2)[FIRST_DEGREE:] for values in (expected, found - expected))
    assert np.all(np.sqrt(error) < 1e-9 * np.sqrt(power))


def test_blocks_give_what_one_dense_solution_gives() -> None:
    blocks, field, at = make_blocks(), random_field(), filtered_places()
    degree = ordering.index(NMAX).degree[at]
    matrix = dense(blocks)
    for alpha, found in zip((1e-3, 0.7), filter_blocks(blocks, (1e-3, 0.7), field), strict=True):
        expected = np.linalg.solve(matrix + alpha * np.diag(degree**4.0), matrix @ field[at])
        # Condition of the blocks, below 1e4, times 1e-16.
        assert np.allclose(found[at], expected, rtol=0.0, atol=1e-12)


def test_blocks_scaled_by_errors_give_what_the_dense_scaled_matrix_gives() -> None:
    blocks, field, at = make_blocks(), random_field(), filtered_places()
    q = np.exp(0.5 * np.random.default_rng(3).standard_normal(field.size))
    matrix = np.diag(q[at]) @ dense(blocks) @ np.diag(q[at])
    expected = np.linalg.solve(matrix + 0.02 * np.diag(ordering.index(NMAX).degree[at] ** 4.0), matrix @ field[at])
    assert np.allclose(filter_blocks(blocks, [0.02], field, q)[0][at], expected, rtol=0.0, atol=1e-12)


def test_a_full_matrix_that_is_block_diagonal_gives_what_the_blocks_give() -> None:
    blocks, field, at = make_blocks(), random_field(), filtered_places()
    alphas = (1e-3, 0.7)
    full = normals.filter_dense(dense(blocks), ordering.index(NMAX).degree[at], alphas, field[at])
    assert np.allclose(full, filter_blocks(blocks, alphas, field)[:, at], rtol=0.0, atol=1e-12)


def test_without_strength_it_is_the_identity() -> None:
    field = random_field()
    found = filter_blocks(make_blocks(), [0.0, 1e-30], field)
    assert np.allclose(found, field, rtol=0.0, atol=1e-12)  # a solution and its product: condition x 1e-16


def test_with_endless_strength_nothing_is_left_above_degree_one() -> None:
    field = random_field()
    found = filter_blocks(make_blocks(), [1e30], field)[0]
    assert np.abs(found[filtered_places()]).max() < 1e-28  # N x / (alpha n^4)


def test_degrees_0_and_1_pass_to_the_bit() -> None:
    field = random_field()
    found = filter_blocks(make_blocks(), [1e-3, 10.0], field)
    below = ordering.index(NMAX).degree < FIRST_DEGREE
    assert np.array_equal(found[:, below], np.stack([field, field])[:, below])


def test_a_constant_error_ratio_acts_as_the_strength_over_its_square() -> None:
    field, blocks, ratio = random_field(), make_blocks(), 0.4
    scaled = filter_blocks(blocks, [0.3], field, np.full(field.size, ratio))[0]
    assert np.allclose(scaled, filter_blocks(blocks, [0.3 / ratio**2], field)[0], rtol=0.0, atol=1e-12)


def test_it_is_linear_in_the_field() -> None:
    a, b, blocks = random_field(seed=4), random_field(seed=5), make_blocks()
    together = filter_blocks(blocks, [0.3], 2.0 * a - b)[0]
    apart = 2.0 * filter_blocks(blocks, [0.3], a)[0] - filter_blocks(blocks, [0.3], b)[0]
    assert np.allclose(together, apart, rtol=0.0, atol=1e-12)


def test_a_diagonal_matrix_damps_each_coefficient_by_itself() -> None:
    """w = N / (N + alpha n^4), and a coefficient with a larger error (a smaller N) is damped more."""
    field, at = random_field(), filtered_places()
    degree = ordering.index(NMAX).degree[at]
    weights = np.random.default_rng(6).uniform(1.0, 5.0, at.size)
    blocks, start = [], 0
    for block in make_blocks():
        blocks.append(np.diag(weights[start : start + block.shape[0]]))
        start += block.shape[0]
    found = filter_blocks(blocks, [0.01], field)[0][at]
    assert np.allclose(found, field[at] * weights / (weights + 0.01 * degree**4), rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("damage", [-1e6, np.nan, np.inf])
def test_a_block_that_is_not_positive_definite_is_named_by_its_order(damage: float) -> None:
    blocks = list(make_blocks())
    bad = next(i for i, block in enumerate(ordering.blocks(NMAX)) if block.order == 4 and block.sine)
    blocks[bad] = blocks[bad].copy()
    blocks[bad][1, 1] = damage
    with pytest.raises(ValueError, match="order 4 is not positive definite"):
        filter_blocks(blocks, [1.0], random_field())


def test_blocks_of_another_degree_than_the_field_are_refused() -> None:
    with pytest.raises(ValueError, match="block of order 0 has 6 rows, not 5"):
        filter_blocks(make_blocks(7)[:13], [1.0], random_field())


@pytest.mark.parametrize("first", [0, 2])
def test_cutting_blocks_is_cutting_the_full_matrix(first: int) -> None:
    """Blocks with and without degrees 0 and 1, cut to degree 4: the rows and columns of degrees 2..4 are left."""
    blocks = make_blocks(9, first=first)
    at = ordering.index(9)
    rows = at.degree >= first
    # A block of order 0 or 1 begins at degree `first`, the vector at its own order.
    degree, order = at.degree[rows], at.order[rows]
    keep = np.flatnonzero((degree <= 4) & (degree >= FIRST_DEGREE))
    assert np.array_equal(dense(cut_blocks(blocks, 4)), dense(blocks)[np.ix_(keep, keep)])
    assert order.size == dense(blocks).shape[0]


def test_blocks_are_never_cut_upwards() -> None:
    with pytest.raises(ValueError, match="up to degree 6 cannot filter a field up to degree 7"):
        cut_blocks(make_blocks(6), 7)


def test_the_blocks_and_the_field_are_left_as_they_are() -> None:
    blocks, field = make_blocks(), random_field()
    copies = [block.copy() for block in blocks]
    before = field.copy()
    filter_blocks(blocks, [0.1, 1.0], field, np.full(field.size, 2.0))
    assert np.array_equal(field, before)
    assert all(np.array_equal(a, b) for a, b in zip(blocks, copies, strict=True))
