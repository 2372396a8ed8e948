"""What an engine in this process prints or changes reaches neither the result nor the signals."""

import logging
import signal
import sys
import threading

from repro.sweeping.apart import quiet, same_signals, silent


def test_what_its_threads_print_is_not_in_the_result(capsys):
    before = sys.stdout
    with quiet("engine_"):
        loud = threading.Thread(target=print, args=("a node is lost",), name="engine_listener")
        mine = threading.Thread(target=print, args=("mine",), name="other")
        for thread in (loud, mine):
            thread.start()
            thread.join()
        sys.stdout.write("the result\n")
    assert sys.stdout is before
    said = capsys.readouterr()
    assert (said.out, said.err) == ("mine\nthe result\n", "a node is lost\n")


def test_what_an_engine_logs_is_not_said_until_it_is_left(caplog):
    own, other = logging.getLogger("an_engine.client"), logging.getLogger("an_engineer")
    own.setLevel(logging.INFO)
    with silent("an_engine"):
        own.critical("a page of it")
        logging.getLogger("an_engine.later").error("more of it")
        other.error("something else")
    own.info("afterwards")
    assert caplog.messages == ["something else", "afterwards"]


def test_what_this_process_does_when_it_is_asked_to_end_stays():
    before = signal.getsignal(signal.SIGTERM)
    with same_signals():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) is before
