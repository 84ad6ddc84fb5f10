from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from joulefront.launch.prefetch import Prefetcher


@dataclass
class Request:
    """Of a proposal that says who made it, once it is let."""

    index: int
    knows: int = 0
    error: Exception | None = None
    let: threading.Event = field(default_factory=threading.Event)
    made_in: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.let.set()

    def run(self) -> tuple[int, int]:
        self.let.wait(5)
        self.made_in.append(threading.current_thread().name)
        if self.error is not None:
            raise self.error
        return self.index, self.knows


@pytest.fixture
def prefetcher():
    with Prefetcher(lambda: 2) as one:
        yield one


def test_what_was_made_beforehand_is_taken(prefetcher):
    early = Request(1)
    prefetcher.prepare(early)
    assert prefetcher(Request(1, knows=9)) == (1, 0)
    assert len(early.made_in) == 1


def test_a_proposal_is_waited_for(prefetcher):
    slow = Request(1)
    slow.let.clear()
    prefetcher.prepare(slow)
    threading.Timer(0.05, slow.let.set).start()
    assert prefetcher(Request(1)) == (1, 0)


def test_one_of_another_number_is_made_at_once(prefetcher):
    prefetcher.prepare(Request(1))
    assert prefetcher(Request(2)) == (2, 0)
    assert prefetcher(Request(1, knows=7)) == (1, 7), "what was dropped is not taken any more"


def test_a_proposal_is_taken_once(prefetcher):
    prefetcher.prepare(Request(1))
    prefetcher(Request(1))
    assert prefetcher(Request(1, knows=5)) == (1, 5)


def test_all_are_made_in_one_thread(prefetcher):
    prepared, other = Request(1), Request(2)
    prefetcher.prepare(prepared)
    prefetcher(prepared)
    prefetcher(other)
    assert prepared.made_in == other.made_in != [threading.current_thread().name]


@pytest.mark.parametrize("slots", [2, 3, 5])
def test_it_never_lacks_more_results_than_there_are_slots(slots):
    with Prefetcher(lambda: slots) as prefetcher:
        for replicates in range(12):
            ended = 10  # each trial that is handed out takes the slot of one that has ended
            prefetcher.prepare(Request(replicates, knows=ended))
            for _ in range(replicates):
                ended += 1
                prefetcher.prepare(Request(replicates, knows=ended))
            _, knows = prefetcher(Request(replicates, knows=ended + 1))
            assert 1 <= ended + 1 - knows <= slots


def test_what_is_known_well_enough_is_not_made_again(prefetcher):
    first, second = Request(1), Request(1)
    prefetcher.prepare(first)
    prefetcher.prepare(second)
    prefetcher(Request(1))
    assert len(first.made_in) == 1 and not second.made_in


def test_with_one_slot_nothing_is_made_beforehand():
    early = Request(1)
    with Prefetcher(lambda: 1) as prefetcher:
        prefetcher.prepare(early)
        assert prefetcher(Request(1, knows=3)) == (1, 3)
    assert not early.made_in


def test_what_making_it_raises_is_raised_where_it_is_taken(prefetcher):
    prefetcher.prepare(Request(1, error=ValueError("no point")))
    with pytest.raises(ValueError, match="no point"):
        prefetcher(Request(1))


def test_nothing_is_made_after_the_end():
    with Prefetcher(lambda: 2) as prefetcher:
        prefetcher.prepare(None)
    assert not [t for t in threading.enumerate() if t.name.startswith("proposals")]
