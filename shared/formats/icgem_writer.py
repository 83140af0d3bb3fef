"""Gravity fields as bytes in gfc, with the header that COST-G gives its months."""

from __future__ import annotations

import numpy as np

from shared.geodesy import ordering
from shared.models.coefficients import ErrorKind, GravityField, Vector
from shared.models.epoch import Span

COMMENT = "CMMNT"


def model_name(file_name: str) -> str:
    """The name of a model by the name of its file."""
    return file_name.removesuffix(".gz").removesuffix(".gfc")


def level2_name(span: Span, release: str = "0200") -> str:
    """Name of a COST-G month: GSM-2_YYYYDDD-YYYYDDD_GRAC|GRFO_COSTG_BF01_0200.gfc."""
    return f"GSM-2_{span.label}_{'GRFO' if span.is_follow_on else 'GRAC'}_COSTG_BF01_{release}.gfc"


def write_level2(field: GravityField, *, institute: str = "gravstream", digits: int = 11) -> bytes:
    """A Level-2 file with the header of COST-G, not packed.

    Parameters
    ----------
    field : an absolute field with its span; `name` becomes the product_name, `comments` the CMMNT lines
    institute : generating_institute
    digits : decimals of the mantissa; 11 as COST-G publishes, 16 to keep every bit
    """
    if field.span is None:
        raise ValueError(f"{field.name}: a Level-2 file needs the period of its data")
    header = [
        *(f"{COMMENT} {one_line(comment)}" for comment in field.comments),
        "",
        *header_lines(
            product_name=model_name(field.name),
            product_type="gravity_field",
            generating_institute=institute,
            time_period=field.span.label,
            earth_gravity_constant=repr(field.gm),
            radius=repr(field.radius),
            norm="fully_normalized",
            tide_system=field.tide_system.value,
            max_degree=str(field.nmax),
            errors=(ErrorKind.NONE if field.sigmas is None else field.errors).value,
        ),
    ]
    return "\n".join(header).encode() + b"\n" + row_bytes(field.values, field.sigmas, digits)


def header_lines(**values: str) -> list[str]:
    """Lines `keyword value` of a header, in the order given."""
    return [f"{keyword:<29} {value}" for keyword, value in values.items()]


def one_line(text: str) -> str:
    """The text without line breaks, as a header can hold it."""
    return " ".join(text.split())


def row_bytes(values: Vector, sigmas: Vector | None, digits: int) -> bytes:
    """The end of the header and the rows of a field [(nmax + 1)^2], by degree, then order."""
    nmax = ordering.maximum_degree(values.size)
    degree, order = np.tril_indices(nmax + 1)
    columns = [degree, order]
    for vector in (values, sigmas):
        if vector is not None:
            cosine, sine = ordering.unpack(vector)
            columns += [cosine[degree, order], sine[degree, order]]
    row = "gfc %4d %4d" + f" %+.{digits}E" * (len(columns) - 2) + "\n"
    width = digits + 8
    titles = ("C", "S", "sigma C", "sigma S")[: len(columns) - 2]
    title = "key    L    M" + "".join(f"{text:>{width}}" for text in titles)
    # Plain numbers of Python are formatted in a third of the time of numpy's.
    flat = [item for line in zip(*(column.tolist() for column in columns), strict=True) for item in line]
    return f"\n{title}\nend_of_head {'=' * 80}\n".encode() + ((row * degree.size) % tuple(flat)).encode("ascii")
