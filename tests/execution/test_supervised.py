from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from repro.execution.supervised import Supervised
from repro.trainers.contract import Job, TrainerError

JOB = Job("regression", ["a"], {"depth": [1]}, {"seed": 3}, 1)
X, Y = np.ones((4, 1)), np.ones(4)


def trainer(**members):
    """Return a trainer whose predictions are what it was fitted to predict."""
    own = {
        "EXTENSION": ".txt",
        "load_library": lambda: None,
        "fit": lambda job, x, y, progress: job,
        "predict": lambda model, x, threads: np.zeros(len(x)),
        "save": lambda model, path: path.write_text("x"),
        "load": lambda path: None,
        "effective_parameters": lambda model: {},
        "rounds": lambda model: None,
        "importance": lambda model: np.zeros(1),
        "canonical_model": lambda model: b"",
        "canonical_parts": lambda model: (),
    }
    return Supervised(SimpleNamespace(**{**own, **members}), "toy")


@pytest.mark.parametrize(
    ("task", "classes", "out", "said"),
    [
        ("regression", 0, np.zeros(4), None),
        ("regression", 0, np.full(4, -7.0), None),
        ("regression", 0, np.zeros((4, 3)), "shape (4, 3) where (4,) is due"),
        ("binary", 2, np.zeros(4), None),
        ("binary", 2, np.full(4, 1.5), "from 1.5 to 1.5, which are no probabilities"),
        ("multiclass", 3, np.full((4, 3), 1 / 3), None),
        ("multiclass", 3, np.full((4, 2), 1 / 2), "shape (4, 2) where (4, 3) is due"),
        ("multiclass", 3, np.zeros(4), "shape (4,) where (4, 3) is due"),
        ("multiclass", 3, np.full((4, 3), -0.1), "which are no probabilities"),
        (
            "multiclass",
            3,
            np.diag([1.0, 1.0, np.nan, 1.0])[:, :3],
            "nan in row 3 of 4, and 1 values",
        ),
        ("regression", 0, np.zeros(4, "f4"), "float32 where an array of float64 is due"),
        ("regression", 0, np.zeros(8)[::2], "an array that is not C-contiguous"),
        ("multiclass", 3, np.full((3, 4), 1 / 3).T, "an array that is not C-contiguous"),
    ],
)
def test_predictions_are_of_the_shape_and_kind_that_the_task_has(task, classes, out, said):
    subject = trainer(predict=lambda model, x, threads: out)
    model = subject.fit(replace(JOB, task=task, classes=classes), X, Y, print)
    if said is None:
        assert subject.predict(model, X, 1) is out
    else:
        with pytest.raises(TrainerError, match="trainer toy: predict gave ") as caught:
            subject.predict(model, X, 1)
        assert said in str(caught.value)


def test_a_trainer_is_given_copies_and_arrays_that_refuse_to_be_written():
    job = trainer().fit(replace(JOB, validation=(X, Y)), X, Y, print)
    job.parameters["depth"].append(2)
    job.seeds.clear()
    assert (JOB.parameters, JOB.seeds) == ({"depth": [1]}, {"seed": 3})
    assert not any(part.flags.writeable for part in job.validation)
    assert X.flags.writeable

    def writing(job, x, y, progress):
        y[0] = 2.0

    with pytest.raises(TrainerError, match=r"failed in fit: ValueError: .*read-only \(.*py:\d+\)"):
        trainer(fit=writing).fit(JOB, X, Y, print)


@pytest.mark.parametrize(
    ("member", "gives", "said"),
    [
        ("rounds", True, "rounds gave True, neither an integer nor None"),
        ("canonical_model", "text", "canonical_model gave str, not bytes"),
        ("effective_parameters", [], "effective_parameters gave list, not a mapping"),
        ("effective_parameters", {"a": float("nan")}, "gave what JSON cannot hold"),
    ],
)
def test_what_a_member_gives_is_looked_at(member, gives, said):
    with pytest.raises(TrainerError, match=said):
        getattr(trainer(**{member: lambda model: gives}), member)(None)


def test_what_is_no_fault_of_the_trainers_own_goes_through_as_it_is(tmp_path):
    def full(model, path):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        trainer(save=full).save(None, tmp_path / "model")

    def starved(model):
        raise MemoryError

    with pytest.raises(MemoryError):
        trainer(rounds=starved).rounds(None)


def test_a_trainer_that_lacks_a_member_is_named_with_it():
    with pytest.raises(
        TrainerError, match="toy: lacks what a trainer owes: load_library, fit, save"
    ):
        Supervised(SimpleNamespace(EXTENSION=".x", predict=1), "toy")


@pytest.mark.parametrize("kind", [RuntimeError, TrainerError])
def test_a_stack_of_machine_code_is_no_part_of_what_is_said(kind):
    def failing(job, x, y, progress):
        raise kind("Check failed: no rows\nStack trace:\n  [bt] (0) /somewhere/lib.so(+0x1) [0x7f]")

    with pytest.raises(TrainerError, match="Check failed: no rows") as caught:
        trainer(fit=failing).fit(JOB, X, Y, print)
    assert "[bt]" not in str(caught.value)
    assert "\n" not in str(caught.value)
