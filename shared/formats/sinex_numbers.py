"""Machine code for the lines of a SINEX normal matrix: decimal text into a matrix, without Python.

Kept apart from the reader so that only who reads such a file pays for loading the compiler (numba).
Text is bytes; it always ends with a line feed, so that no loop needs to look for its end.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Text = NDArray[np.uint8]
Places = NDArray[np.int64]
Matrix = NDArray[np.float64]

# What stops the parser, and how a message calls it
DONE, FULL, NOT_A_NUMBER, NO_SUCH_PARAMETER, WRONG_TRIANGLE, TWICE = range(6)
PROBLEMS = {
    NOT_A_NUMBER: "something else than two parameters and up to three finite numbers",
    NO_SUCH_PARAMETER: "a parameter that the file does not list",
    WRONG_TRIANGLE: "a value of the other triangle",
    TWICE: "a value that was there before",
}

_TAB, _LINE_FEED, _RETURN, _BLANK, _STAR, _PLUS, _MINUS, _POINT = b"\t\n\r *+-."

# Powers of ten that a float64 holds exactly. A mantissa up to 2^53 times or divided by one of them is
# rounded once, hence correctly (Clinger 1990, doi 10.1145/93542.93557); all else is left to Python.
_POWERS = np.array([float(f"1e{power}") for power in range(23)])
_LARGEST_POWER = 22
_LARGEST_MANTISSA = 2**53
_MOST_DIGITS = 18  # that fit into an int64, whatever they are


def _ends(byte: int) -> bool:
    """Whether a word ends before this byte."""
    return byte == _BLANK or byte == _LINE_FEED or byte == _RETURN or byte == _TAB


def _skip_blanks(text: Text, at: int) -> int:
    """Place of the next byte that is not blank; a line feed is not."""
    while text[at] == _BLANK or text[at] == _TAB or text[at] == _RETURN:
        at += 1
    return at


def _skip_line(text: Text, at: int) -> int:
    """Place of the begin of the next line."""
    while text[at] != _LINE_FEED:
        at += 1
    return at + 1


def _digits(text: Text, at: int, number: int) -> tuple[int, int]:
    """The number continued by the digits here, and the place behind them."""
    while True:
        digit = int(text[at]) - 48
        if digit < 0 or digit > 9:
            return number, at
        number = number * 10 + digit
        at += 1


def _integer(text: Text, at: int) -> tuple[int, int]:
    """A parameter's number and the place behind; -1 if there is none."""
    start = _skip_blanks(text, at)
    number, at = _digits(text, start, 0)
    if at == start or at - start > _MOST_DIGITS or not _ends(text[at]):
        return -1, at
    return number, at


def _exponent(text: Text, at: int) -> tuple[int, int, bool]:
    """Power of ten (E or D, sign, digits; zero if absent), the place behind, and whether it is sound."""
    if text[at] | 32 != 101 and text[at] | 32 != 100:  # e, d in either case
        return 0, at, True
    at += 1
    negative = text[at] == _MINUS
    if negative or text[at] == _PLUS:
        at += 1
    power, after = _digits(text, at, 0)
    sound = 0 < after - at <= 4
    return (-power if negative else power), after, sound


def _number(text: Text, at: int) -> tuple[float, int, bool, bool]:
    """A decimal number, the place behind, whether it is one, and whether it was rounded correctly."""
    negative = text[at] == _MINUS
    if negative or text[at] == _PLUS:
        at += 1
    mantissa, after = _digits(text, at, 0)
    count, decimals = after - at, 0
    if text[after] == _POINT:
        mantissa, stop = _digits(text, after + 1, mantissa)
        decimals = stop - after - 1
        after = stop
    count += decimals
    power, after, sound = _exponent(text, after)
    power -= decimals
    sound = sound and count > 0 and _ends(text[after])
    if count > _MOST_DIGITS:
        return 0.0, after, sound, False
    value, exact = _scaled(mantissa, power)
    return (-value if negative else value), after, sound, exact


def _scaled(mantissa: int, power: int) -> tuple[float, bool]:
    """mantissa x 10^power, and whether it is correctly rounded."""
    if mantissa == 0:
        return 0.0, True
    if mantissa > _LARGEST_MANTISSA or power > _LARGEST_POWER or power < -_LARGEST_POWER:
        return 0.0, False
    if power < 0:
        return mantissa / _POWERS[-power], True
    return mantissa * _POWERS[power], True


def _misplaced(row: int, column: int, upper: bool, count: int) -> int:
    """What is wrong with a row and column of the file (from 1), DONE if nothing is."""
    if row < 1 or column < 1 or row > count or column > count:
        return NO_SUCH_PARAMETER
    if (row > column) if upper else (row < column):
        return WRONG_TRIANGLE
    return DONE


def _line(
    text: Text, at: int, places: Places, upper: bool, matrix: Matrix, hard: Places, hards: int
) -> tuple[int, int, int, int]:
    """One line of the file into the matrix: problem, place behind the line, values, hard values so far."""
    row, at = _integer(text, at)
    first, at = _integer(text, at)
    if row < 0 or first < 0:
        return NOT_A_NUMBER, at, 0, hards
    for values in range(4):
        at = _skip_blanks(text, at)
        if text[at] == _LINE_FEED:
            return (DONE if values else NOT_A_NUMBER), at + 1, values, hards
        start, column = at, first + values
        number, at, sound, exact = _number(text, at)
        if not sound or values == 3:
            return NOT_A_NUMBER, at, values, hards
        problem = _misplaced(row, column, upper, places.size)
        if problem != DONE:
            return problem, at, values, hards
        one, other = places[row - 1], places[column - 1]
        if one < 0 or other < 0:
            continue
        if not exact:
            hard[hards] = start, at, one, other
            hards += 1
        elif number != 0.0:
            if matrix[one, other] != 0.0:
                return TWICE, at, values, hards
            matrix[one, other] = number
    return NOT_A_NUMBER, at, 0, hards


def _lines(text: Text, at: int, places: Places, upper: bool, matrix: Matrix, hard: Places) -> tuple[int, int, int, int]:
    """Lines of the file into the matrix, until something stops it: why, where, values, hard values."""
    values = hards = 0
    while at < text.size:
        if hards + 3 > hard.shape[0]:
            return FULL, at, values, hards
        start = _skip_blanks(text, at)
        if text[at] == _STAR or text[start] == _LINE_FEED:
            at = _skip_line(text, at)
            continue
        problem, after, found, hards = _line(text, start, places, upper, matrix, hard, hards)
        if problem != DONE:
            return problem, at, values, hards
        at, values = after, values + found
    return DONE, at, values, hards


# Assigned, not decorated: the functions refer to one another by these names when they are compiled.
_compile = njit(nogil=True, cache=True)
_ends, _skip_blanks, _skip_line = _compile(_ends), _compile(_skip_blanks), _compile(_skip_line)
_digits, _integer, _exponent = _compile(_digits), _compile(_integer), _compile(_exponent)
_scaled, _number, _misplaced = _compile(_scaled), _compile(_number), _compile(_misplaced)
_line, _lines = _compile(_line), _compile(_lines)


def read_lines(text: bytes | memoryview, places: Places, upper: bool, matrix: Matrix) -> tuple[int, int, int]:
    """Put the numbers of whole lines into a matrix.

    Each goes into the row of the parameter that its line begins with. Which triangle that is depends on the
    order of the parameters; sorting it out here would jump through memory with every number.

    Parameters
    ----------
    text : lines "row column value [value [value]]", numbers from 1, each ended by a line feed
    places : row of the matrix for each parameter of the file, -1 for those that are left out [parameters]
    upper : whether the file holds the upper triangle, otherwise the lower
    matrix : [P, P], zero where nothing was read yet, unit of the file; changed in place

    Returns
    -------
    problem : DONE, or what is wrong with a line
    at : where that line begins in `text`
    values : how many values were read
    """
    table = np.frombuffer(text, np.uint8)
    table.flags.writeable = False  # one type of array: compiled once
    hard = np.empty((65536, 4), np.int64)
    problem, at, values = FULL, 0, 0
    while problem == FULL:
        problem, at, found, hards = _lines(table, at, places, upper, matrix, hard)
        values += found
        for start, stop, row, column in hard[:hards].tolist():
            if matrix[row, column] != 0.0:
                return TWICE, start, values
            matrix[row, column] = float(bytes(text[start:stop]).upper().replace(b"D", b"E"))
            if not np.isfinite(matrix[row, column]):
                return NOT_A_NUMBER, start, values
    return problem, at, values
