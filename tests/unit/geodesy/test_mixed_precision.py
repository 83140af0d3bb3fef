"""A factor in single precision, a solution in double: against the factor in double precision."""

import numpy as np
import pytest
from scipy.linalg import block_diag
from threadpoolctl import threadpool_limits

from shared import settings
from shared.formats.bundled import ddk_normals
from shared.geodesy import normals
from shared.geodesy.cholesky import TiledCholesky, conjugate_gradients
from shared.geodesy.decorrelation import cut_blocks

NMAX = 12
DEGREES = normals.parameters(NMAX).degree


def random_spd(count: int, condition: float, seed: int = 1) -> np.ndarray:
    """A positive definite matrix with correlations everywhere, both triangles."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.standard_normal((count, count)))
    matrix = (axes * np.geomspace(1.0, condition, count)) @ axes.T
    return 0.5 * (matrix + matrix.T)


def strongly_correlated_normals(nmax: int) -> np.ndarray:
    """The published synthetic normals, with forty errors that all coefficients have in common."""
    matrix = block_diag(*cut_blocks(ddk_normals(settings.cache_folder()).blocks, nmax))
    scale = np.sqrt(matrix.diagonal())
    common = np.random.default_rng(3).standard_normal((scale.size, 40))
    # Nearly orthogonal columns of length sqrt(P): eigenvalues of the correlations up to 0.7 P.
    matrix += 0.7 * (scale[:, None] * common) @ (scale[:, None] * common).T
    return matrix


def filter_double(matrix: np.ndarray, degrees: np.ndarray, alpha: float, x: np.ndarray) -> np.ndarray:
    """The same filter with the factor in double precision."""
    factor = TiledCholesky(x.size, 256)
    with threadpool_limits(1, user_api="blas"):
        factor.make(matrix, alpha * degrees**4.0, 2)
        return factor.solve(normals._multiply(matrix, x))


def difference(found: np.ndarray, expected: np.ndarray, sigmas: np.ndarray) -> float:
    """The largest difference relative to the largest value, both in units of the expected errors."""
    return float(np.abs((found - expected) / sigmas).max() / np.abs(expected / sigmas).max())


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e5])
@pytest.mark.parametrize("alpha", [3.0, 1e-3, 0.0])
def test_single_precision_of_the_factor_does_not_show(condition: float, alpha: float) -> None:
    matrix, x = np.triu(random_spd(DEGREES.size, condition)), np.random.default_rng(2).standard_normal(DEGREES.size)
    found = normals.filter_dense(matrix, DEGREES, [alpha], x, tile=64)[0]
    expected = filter_double(matrix, DEGREES, alpha, x)
    sigmas = 1.0 / np.sqrt(matrix.diagonal() + alpha * DEGREES**4.0)
    # Both solutions are known to the condition times rounding, 1e5 * 1e-16.
    assert difference(found, expected, sigmas) < 1e-11


def test_single_precision_of_the_factor_does_not_show_with_strongly_correlated_normals() -> None:
    nmax = 38  # 1517 parameters
    degrees, matrix = normals.parameters(nmax).degree, strongly_correlated_normals(nmax)
    scale = 1.0 / np.sqrt(matrix.diagonal())
    eigenvalues = np.linalg.eigvalsh(matrix * scale * scale[:, None])
    assert eigenvalues[-1] / eigenvalues[0] > 1e4  # the simulated normals of degree 96 have 1e3
    alphas = [1e13, 1e11, 5e9]  # VDK2, VDK5 and VDK8 in the unit of these normals
    x = 1e-10 * np.random.default_rng(2).standard_normal(degrees.size) / degrees**2.0
    filtered = normals.filter_dense(matrix, degrees, alphas, x)
    for alpha, found in zip(alphas, filtered, strict=True):
        sigmas = 1.0 / np.sqrt(matrix.diagonal() + alpha * degrees**4.0)
        # The condition times rounding, 1e5 * 1e-16; single precision alone would give 1e-5.
        assert difference(found, filter_double(matrix, degrees, alpha, x), sigmas) < 1e-11


def test_matrix_beyond_single_precision_is_factorised_in_double() -> None:
    matrix, x = np.triu(random_spd(DEGREES.size, 1e9)), np.random.default_rng(2).standard_normal(DEGREES.size)
    scale = 1.0 / np.sqrt(matrix.diagonal())
    with pytest.raises(ValueError, match="not positive definite"):
        TiledCholesky(x.size, 256, np.float32).make(matrix, np.zeros(x.size), 1, scale)
    found = normals.filter_dense(matrix, DEGREES, [0.0], x, tile=256)[0]
    assert found.tobytes() == filter_double(matrix, DEGREES, 0.0, x).tobytes()


def test_factor_of_another_matrix_gives_no_solution_rather_than_a_wrong_one() -> None:
    matrix, right = random_spd(DEGREES.size, 1e6), np.ones(DEGREES.size)
    factor = TiledCholesky(right.size, 64)
    factor.make(np.eye(right.size), np.zeros(right.size), 1)
    assert conjugate_gradients(lambda x: matrix @ x, right, factor) is None


def test_matrix_that_is_not_positive_definite_gives_no_solution() -> None:
    factor = TiledCholesky(2, 64)
    factor.make(np.eye(2), np.zeros(2), 1)
    for bad in (-1.0, np.nan):
        assert conjugate_gradients(lambda x, bad=bad: bad * x, np.ones(2), factor) is None


def test_every_strength_is_filtered_as_if_it_were_alone() -> None:
    matrix, x = np.triu(random_spd(DEGREES.size, 1e3)), np.random.default_rng(2).standard_normal(DEGREES.size)
    alphas = [3.0, 1e-3, 0.1]
    together = normals.filter_dense(matrix, DEGREES, alphas, x)
    alone = np.concatenate([normals.filter_dense(matrix, DEGREES, [alpha], x) for alpha in alphas])
    assert together.tobytes() == alone.tobytes()


def test_nothing_stays_nothing() -> None:
    matrix = np.triu(random_spd(DEGREES.size, 1e3))
    assert not normals.filter_dense(matrix, DEGREES, [1.0], np.zeros(DEGREES.size)).any()
