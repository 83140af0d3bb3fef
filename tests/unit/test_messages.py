"""Messages: names and digests that cross processes as JSON."""

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages import GranuleArrived, Message, ProductMade, ReleaseIssued, message_of

MESSAGES = st.one_of(
    st.builds(GranuleArrived, st.text(), st.text(), st.text(), st.none() | st.text()),
    st.builds(ProductMade, st.text(), st.text()),
    st.builds(ReleaseIssued, st.text(), st.text()),
)


@given(MESSAGES)
def test_a_message_comes_back_from_json_as_it_was(message: Message) -> None:
    assert message_of(message.to_json()) == message
    assert message_of(message.to_json().encode()) == message


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ProductMade("twsa", "key").key = "other"  # type: ignore[misc]


def test_what_a_newer_sender_says_beyond_is_left_out() -> None:
    text = json.dumps({**json.loads(ProductMade("twsa", "key").to_json()), "urgency": "high"})
    assert message_of(text) == ProductMade("twsa", "key")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        '{"kind": "Message"}',
        '{"kind": ["ProductMade"]}',
        '{"kind": "ProductMade", "product": "twsa"}',
        '{"kind": "ProductMade", "product": "twsa", "key": 7}',
        '{"kind": "ProductMade", "product": "twsa", "key": null}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        message_of(text)
