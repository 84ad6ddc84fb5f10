from __future__ import annotations

import os
import threading

import pytest

from joulefront.energy.run_queue import RunQueue


@pytest.fixture
def threads(tmp_path):
    """Write a thread's file: what it has run, waited, and how often."""

    def write(thread, waited_ns):
        folder = tmp_path / "7" / "task" / str(thread)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"123456 {waited_ns} 9\n")

    return write


@pytest.fixture
def queue(tmp_path):
    return RunQueue(7, proc=str(tmp_path))


def test_all_threads_are_summed(threads, queue):
    threads(7, 100)
    threads(8, 20)
    assert queue.wait_ns() == 120
    threads(9, 3)
    threads(7, 150)
    assert queue.wait_ns() == 173


def test_a_thread_that_has_ended_stays_counted_and_its_number_may_come_again(
    threads, queue, monkeypatch
):
    threads(7, 100)
    threads(8, 20)
    assert queue.wait_ns() == 120
    read, ended = os.pread, [queue._files["8"]]

    def refuse_ended(file, size, offset):
        if file in ended:
            ended.remove(file)
            raise ProcessLookupError
        return read(file, size, offset)

    monkeypatch.setattr(os, "pread", refuse_ended)
    threads(8, 5)
    assert queue.wait_ns() == 125


def test_without_the_kernel_s_file_nothing_is_told(tmp_path, queue):
    assert queue.wait_ns() is None
    (tmp_path / "7" / "task" / "7").mkdir(parents=True)
    assert queue.wait_ns() is None


def test_this_process_never_falls_while_threads_come_and_go():
    queue = RunQueue(os.getpid())
    if queue.wait_ns() is None:
        pytest.skip("this kernel does not tell")
    waits = []
    for _ in range(5):
        workers = [threading.Thread(target=sum, args=(range(20_000),)) for _ in range(8)]
        for worker in workers:
            worker.start()
        waits.append(queue.wait_ns())
        for worker in workers:
            worker.join()
        waits.append(queue.wait_ns())
    assert waits == sorted(waits)


def test_files_are_closed_with_it():
    queue = RunQueue(os.getpid())
    queue.wait_ns()
    files = list(queue._files.values())
    del queue
    for file in files:
        with pytest.raises(OSError):
            os.fstat(file)


def test_threads_of_others_are_not_counted(threads, tmp_path):
    threads(7, 100)
    threads(8, 20)
    assert RunQueue(7, proc=str(tmp_path), without={7}).wait_ns() == 20
