"""The order of the coefficients in a vector: order-major, without a hole, and back."""

import numpy as np
import pytest

from shared.geodesy import ordering


def numbered(nmax: int) -> np.ndarray:
    """A vector whose numbers are all different."""
    return np.arange(1.0, ordering.size(nmax) + 1.0)


def test_all_cosines_of_an_order_come_first_and_its_sines_follow() -> None:
    at = ordering.index(2)
    written = [f"{'S' if sine else 'C'}{n}{m}" for n, m, sine in zip(at.degree, at.order, at.sine, strict=True)]
    assert written == ["C00", "C10", "C20", "C11", "C21", "S11", "S21", "C22", "S22"]


@pytest.mark.parametrize("nmax", [0, 1, 7, 96])
def test_every_coefficient_has_its_own_place(nmax: int) -> None:
    at = ordering.index(nmax)
    found = [ordering.position(nmax, *each) for each in zip(at.degree, at.order, at.sine, strict=True)]
    assert found == list(range(ordering.size(nmax)))


def test_blocks_cover_the_vector_without_gap_or_overlap() -> None:
    covered = np.concatenate([np.arange(ordering.size(9))[block.slice] for block in ordering.blocks(9)])
    assert np.array_equal(covered, np.arange(ordering.size(9)))


@pytest.mark.parametrize("place", [(5, 6, False), (7, 0, False), (-1, 0, False), (3, 0, True), (3, -1, False)])
def test_a_coefficient_that_no_field_has_is_refused(place: tuple[int, int, bool]) -> None:
    with pytest.raises(ValueError, match=r"no [CS]\("):
        ordering.position(6, *place)


def test_a_number_of_coefficients_that_is_no_square_is_no_field() -> None:
    assert ordering.maximum_degree(9409) == 96
    with pytest.raises(ValueError, match="9405"):
        ordering.maximum_degree(9405)


def test_triangles_hold_degree_and_order_as_their_indices() -> None:
    triangles = ordering.unpack(numbered(5))
    assert triangles[0, 4, 2] == numbered(5)[ordering.position(5, 4, 2)]
    assert triangles[1, 4, 2] == numbered(5)[ordering.position(5, 4, 2, sine=True)]
    assert not triangles[1, :, 0].any()  # S_n0 does not exist
    assert not np.triu(triangles, 1).any()  # nor does an order above the degree


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_packing_undoes_unpacking(shape: tuple[int, ...]) -> None:
    fields = np.random.default_rng(1).standard_normal((*shape, ordering.size(8)))
    assert np.array_equal(ordering.pack(ordering.unpack(fields)), fields)


def test_truncation_keeps_each_coefficient_of_the_lower_degrees() -> None:
    fields = np.stack([numbered(9), -numbered(9)])
    cut = ordering.truncate(fields, 4)
    assert np.array_equal(ordering.unpack(cut), ordering.unpack(fields)[..., :5, :5])


def test_extension_adds_zeros_and_truncation_takes_them_away() -> None:
    wide = ordering.extend(numbered(4), 9)
    assert np.array_equal(ordering.truncate(wide, 4), numbered(4))
    assert not wide[ordering.index(9).degree > 4].any()


def test_a_field_is_never_cut_upwards_or_extended_downwards() -> None:
    with pytest.raises(ValueError, match="no degree 7"):
        ordering.truncate(numbered(5), 7)
    with pytest.raises(ValueError, match="cannot be extended to 4"):
        ordering.extend(numbered(5), 4)


def test_the_shared_index_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ordering.index(5).degree[0] = 1
