"""The full-matrix filter: against other solvers, against closed forms, and bit against bit."""

import numpy as np
import pytest

from shared.geodesy import normals, ordering
from shared.geodesy.cholesky import TiledCholesky

NMAX = 12
DEGREES = normals.parameters(NMAX).degree
ALPHAS = [3.0, 0.1, 1e-4]


def random_spd(count: int, seed: int = 1, condition: float = 1e3) -> np.ndarray:
    """A positive definite matrix with correlations everywhere, both triangles."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.standard_normal((count, count)))
    matrix = (axes * np.geomspace(1.0, condition, count)) @ axes.T
    return 0.5 * (matrix + matrix.T)


def upper_only(matrix: np.ndarray) -> np.ndarray:
    """The upper triangle, and below what must not be read."""
    kept = np.triu(matrix)
    kept[np.tril_indices_from(kept, -1)] = np.nan
    return kept


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(2).standard_normal(DEGREES.size)


@pytest.mark.parametrize("tile", [7, 64, 768])
def test_filter_solves_the_penalised_equations_for_any_tile(x: np.ndarray, tile: int) -> None:
    full = random_spd(x.size)
    filtered = normals.filter_dense(upper_only(full), DEGREES, ALPHAS, x, tile=tile)
    for alpha, found in zip(ALPHAS, filtered, strict=True):
        damped = full + alpha * np.diag(DEGREES.astype(float) ** 4)
        right = full @ x
        np.testing.assert_allclose(found, np.linalg.solve(damped, right), rtol=0, atol=1e-12 * np.abs(x).max())
        # A backward stable solution leaves a residual of rounding size whatever the condition.
        residual = np.linalg.norm(damped @ found - right)
        assert residual < 1e-14 * np.linalg.norm(damped, 2) * np.linalg.norm(found)


def test_units_of_real_normals_do_not_matter(x: np.ndarray) -> None:
    # Coefficients of 1e-10 with errors of 1e-12 to 1e-9, as they are: Cholesky does not mind the scale.
    errors = 10.0 ** np.linspace(-12, -9, x.size)
    full = random_spd(x.size) / errors[:, None] / errors[None]
    alphas = [1e19, 1e17]
    filtered = normals.filter_dense(upper_only(full), DEGREES, alphas, 1e-10 * x)
    for alpha, found in zip(alphas, filtered, strict=True):
        # The same equations in units of the errors, where numpy's solver is at its best.
        penalty = alpha * DEGREES.astype(float) ** 4 * errors**2
        expected = errors * np.linalg.solve(
            random_spd(x.size) + np.diag(penalty), random_spd(x.size) @ (1e-10 * x / errors)
        )
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_no_strength_is_the_identity(x: np.ndarray) -> None:
    filtered = normals.filter_dense(upper_only(random_spd(x.size)), DEGREES, [1e-12, 0.0], x)
    # The condition number, 1e3, times rounding; 1e-12 n^4 adds 2e-8 of the smallest eigenvalue, which is one.
    np.testing.assert_allclose(filtered[0], x, atol=1e-7)
    np.testing.assert_allclose(filtered[1], x, atol=1e-12)


def test_diagonal_matrix_gives_the_wiener_factor(x: np.ndarray) -> None:
    diagonal = np.random.default_rng(3).uniform(1.0, 5.0, x.size)
    filtered = normals.filter_dense(np.diag(diagonal), DEGREES, ALPHAS, x, tile=32)
    for alpha, found in zip(ALPHAS, filtered, strict=True):
        np.testing.assert_allclose(found, x * diagonal / (diagonal + alpha * DEGREES**4.0), rtol=1e-14)


def test_block_diagonal_matrix_is_filtered_block_by_block(x: np.ndarray) -> None:
    matrix = np.zeros((x.size, x.size))
    expected = np.zeros((len(ALPHAS), x.size))
    at = normals.parameters(NMAX)
    for order in range(NMAX + 1):
        for sine in (False, True):
            rows = np.flatnonzero((at.order == order) & (at.sine == sine))
            block = random_spd(rows.size, seed=order + 100 * sine)
            matrix[np.ix_(rows, rows)] = block
            for row, alpha in enumerate(ALPHAS):
                damped = block + alpha * np.diag(DEGREES[rows] ** 4.0)
                expected[row, rows] = np.linalg.solve(damped, block @ x[rows])
    filtered = normals.filter_dense(upper_only(matrix), DEGREES, ALPHAS, x, tile=50)
    np.testing.assert_allclose(filtered, expected, rtol=0, atol=1e-12)


def test_one_thread_and_more_give_the_same_bits() -> None:
    nmax = 38  # 1517 parameters, 24 rows of tiles: the threads do meet
    degrees = normals.parameters(nmax).degree
    random = np.random.default_rng(4)
    factors = random.standard_normal((degrees.size, 50))
    matrix = np.triu(factors @ factors.T + np.diag(random.uniform(1.0, 100.0, degrees.size)))
    x = random.standard_normal(degrees.size)
    runs = [
        normals.filter_dense(matrix, degrees, [1e-3, 1e-5], x, threads=threads, tile=64) for threads in (1, 2, 3, 2, 2)
    ]
    assert all(run.tobytes() == runs[0].tobytes() for run in runs)


def test_input_is_not_changed(x: np.ndarray) -> None:
    matrix, before = np.triu(random_spd(x.size)), x.copy()
    copy = matrix.copy()
    matrix.flags.writeable = x.flags.writeable = False
    normals.filter_dense(matrix, DEGREES, [1.0], x)
    assert matrix.tobytes() == copy.tobytes()
    assert x.tobytes() == before.tobytes()


def test_matrix_with_a_negative_eigenvalue_is_refused_although_damping_would_hide_it(x: np.ndarray) -> None:
    matrix = random_spd(x.size)
    values, axes = np.linalg.eigh(matrix)
    values[0] = -1e-3
    indefinite = (axes * values) @ axes.T
    np.linalg.cholesky(indefinite + 1.0 * np.diag(DEGREES**4.0))  # damped it is positive definite
    with pytest.raises(ValueError, match="not positive definite"):
        normals.filter_dense(np.triu(indefinite), DEGREES, [1.0], x)


def test_nearly_singular_matrix_that_single_precision_cannot_judge_is_accepted() -> None:
    matrix = random_spd(165, condition=1e9)
    normals.verify_spd(matrix)
    scale = 1.0 / np.sqrt(matrix.diagonal())
    with pytest.raises(ValueError, match="not positive definite"):
        TiledCholesky(165, 64, np.float32).make(matrix, np.full(165, -normals._single_error(165)), 1, scale)


def test_singular_matrix_is_refused() -> None:
    # Small whole numbers of low rank: the sums are exact, and the pivot is exactly zero.
    factors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="pivot of parameter 2"):
        normals.verify_spd(factors @ factors.T)


def test_coefficient_without_observations_is_refused(x: np.ndarray) -> None:
    matrix = random_spd(x.size)
    matrix[17] = matrix[:, 17] = 0.0
    with pytest.raises(ValueError, match="parameter 17 has 0 on the diagonal"):
        normals.filter_dense(matrix, DEGREES, [1.0], x, verified=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_number_that_is_not_finite_is_refused(x: np.ndarray, bad: float) -> None:
    matrix = random_spd(x.size)
    matrix[3, 150] = bad
    with pytest.raises(ValueError, match="not finite"):
        normals.filter_dense(matrix, DEGREES, [1.0], x, verified=True)


@pytest.mark.parametrize(
    ("matrix", "found"),
    [
        (np.eye(165)[:, :-1], "shape"),
        (np.asfortranarray(random_spd(165)), "shape"),
        (np.eye(165, dtype=np.float32), "float32"),
        (np.eye(164), "164 normal equations"),
    ],
)
def test_matrix_of_another_shape_or_kind_is_refused(x: np.ndarray, matrix: np.ndarray, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        normals.filter_dense(matrix, DEGREES, [1.0], x)


def test_cut_takes_the_same_coefficients_as_truncation_of_a_field() -> None:
    # Labels instead of numbers: row and column of every element are told by its value.
    labels = ordering.truncate(np.arange(ordering.size(NMAX), dtype=float), 7)[ordering.index(7).degree >= 2]
    every = np.flatnonzero(ordering.index(NMAX).degree >= 2)
    matrix = every[:, None] * 1000.0 + every
    expected = labels[:, None] * 1000.0 + labels
    assert np.array_equal(np.triu(normals.cut(matrix, 7)), np.triu(expected))
    assert normals.cut(matrix, NMAX) is matrix
    with pytest.raises(ValueError, match="maximum degree 12"):
        normals.cut(matrix, 13)


def test_fold_brings_every_element_above_the_diagonal() -> None:
    full = random_spd(600)
    above = np.random.default_rng(5).random((600, 600)) < 0.5
    scattered = np.where(above, np.triu(full), 0.0) + np.where(above.T, 0.0, np.tril(full, -1))
    scattered[np.diag_indices(600)] = full.diagonal()
    normals.fold(scattered, threads=2)
    assert np.array_equal(scattered, np.triu(full))


def test_size_and_degree_belong_together() -> None:
    assert normals.size(96) == 9405
    assert normals.maximum_degree(9405) == 96
    for count in (9404, 0, -3):
        with pytest.raises(ValueError, match="is not the number"):
            normals.maximum_degree(count)
