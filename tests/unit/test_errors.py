from __future__ import annotations

import pytest

from overpaint import errors


def test_a_message_names_field_limit_and_value() -> None:
    error = errors.InvalidOption("n", "must be between 1 and 4", 7)
    assert str(error) == "n: must be between 1 and 4, got 7"
    assert (error.field, error.limit, error.value) == ("n", "must be between 1 and 4", 7)


def test_the_docstring_is_the_default_message() -> None:
    assert str(errors.EmptyMask("mask")) == "mask: the mask marks nothing to repaint"
    assert str(errors.EngineFailed()) == "The engine could not paint."


def test_near_names_are_told() -> None:
    error = errors.UnknownConcept("prompt", "'galsses'", ["glasses", "sunglasses"])
    assert "(nearest: glasses, sunglasses)" in str(error)
    assert error.nearest == ("glasses", "sunglasses")


@pytest.mark.parametrize("name", ["InvalidOption", "CorruptImage", "EmptyMask", "UnknownConcept"])
def test_what_the_caller_can_mend_is_an_invalid_input(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.InvalidInput)


@pytest.mark.parametrize("name", ["EngineFailed", "FontMissing"])
def test_what_the_caller_did_not_cause_is_an_operation_failed(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.OperationFailed)
