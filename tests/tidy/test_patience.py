"""Every test has a deadline: what waits for ever fails, in a loop or without one; what is quick notices nothing."""

import asyncio
import signal
import threading

import pytest

from tests.patience import TEST_SECONDS_MAX, TestTookTooLong, at_most


@pytest.fixture(autouse=True)
def _as_if_no_test_ran() -> None:
    """The deadline of the test itself is set aside: the tests below set one of their own."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def test_every_test_has_a_deadline() -> None:
    """This one, too: pytest has installed who will end it."""
    handler = signal.getsignal(signal.SIGALRM)
    assert getattr(handler, "__module__", None) == at_most.__module__
    assert TEST_SECONDS_MAX > 0


def test_a_wait_without_end_ends() -> None:
    """A thread that nobody wakes."""
    with pytest.raises(TestTookTooLong), at_most(0.05):
        threading.Event().wait()


def test_a_task_without_end_ends_and_says_where_it_stood(capsys: pytest.CaptureFixture[str]) -> None:
    """A coroutine that nothing resumes is named, with its line."""

    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TestTookTooLong), at_most(0.05):
        asyncio.run(forever())
    assert "await asyncio.Event().wait()" in capsys.readouterr().err


def test_what_is_quick_is_left_alone() -> None:
    """Afterwards nothing is armed."""
    with at_most(0.05):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
