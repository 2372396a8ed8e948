"""Predicts the mean of the labels, and on the way does what the parameter ``deed`` says."""

import ctypes
import json
import os
import random
import secrets
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

EXTENSION = ".json"


@dataclass
class Model:
    mean: float
    features: int
    parameters: dict


def load_library():
    import numpy


def meddle():
    """Change the data once somebody has had time to digest them: as ``data/moving.how`` says."""
    moving = Path.cwd().parents[3] / "data" / "moving.csv"
    time.sleep(1.5)
    how, old = moving.with_suffix(".how").read_text(), moving.stat()
    text = moving.read_bytes()
    if how == "append":
        with moving.open("ab") as file:
            file.write(text.splitlines()[-1].replace(b"2013", b"2014"))
        return
    at = text.rindex(b".")
    other = text[: at + 1] + (b"1" if text[at + 1 : at + 2] != b"1" else b"2") + text[at + 2 :]
    place = moving if how == "rewrite" else moving.with_suffix(".new")
    place.write_bytes(other)
    os.utime(place, ns=(old.st_atime_ns, old.st_mtime_ns))  # as if nobody had been there
    place.replace(moving)


def fit(job, x, y, progress):
    deed = job.parameters["deed"]
    wanted = AT_FIT.get(deed, lambda job, x, y: None)
    found = wanted(job, x, y)
    progress(1, 1)
    return Model(float(y.mean()) + (found or 0.0), x.shape[1], {**job.parameters, **job.seeds})


def predict(model, x, threads):
    import numpy as np

    gives = AT_PREDICT.get(model.parameters["deed"], lambda x, out: out)
    return gives(x, np.full(len(x), model.mean))


def save(model, path):
    if model.parameters["deed"] == "saves nothing":
        return
    mean = model.mean + (model.parameters["deed"] == "saves another")
    path.write_text(json.dumps([mean, model.features, model.parameters]))


def load(path):
    return Model(*json.loads(path.read_text()))


def effective_parameters(model):
    found = dict(model.parameters)
    if found["deed"] == "ignores":
        found["depth"] = 1
    if found["deed"] == "does not report":
        del found["depth"]
    if found["deed"] == "reports no JSON":
        found["depth"] = object()
    return found


def rounds(model):
    return None


def importance(model):
    import numpy as np

    return np.ones(model.features + (model.parameters["deed"] == "importance"))


def canonical_model(model):
    return model.mean.hex().encode()


def canonical_parts(model):
    return [("mean", canonical_model(model))]


def swallowed(job, x, y):
    with suppress(BaseException):
        Path("/outside").write_text("x")  # swallows a guard


def fetched(job, x, y):
    socket.create_connection(("127.0.0.1", 9))  # fetches


def started(job, x, y):
    subprocess.run(["true"])  # starts


def forked(job, x, y):
    if os.fork() == 0:  # forks
        os._exit(0)


def forked_in_c(job, x, y):
    if ctypes.CDLL(None).fork() == 0:  # forks in C
        os._exit(0)


def executed_in_c(job, x, y):
    ctypes.CDLL(None).system(b"true")  # executes in C


def connected_in_c(job, x, y):
    ctypes.CDLL(None).socket(2, 1, 0)  # connects in C


def threaded_in_c(job, x, y):
    kind = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    create, thread = ctypes.CDLL(None).pthread_create, ctypes.c_ulong()
    create(ctypes.byref(thread), None, kind(lambda _: None), None)  # threads in C


def read(job, x, y):
    Path("/etc/hostname").read_text()  # reads


def read_configuration(job, x, y):
    Path("../../../../CONFIG/data/dataset.yaml").read_text()  # reads CONFIG


def read_table(job, x, y):
    return json.loads(Path(__file__).with_name("table.json").read_text())


def read_installed(job, x, y):
    (Path(__file__).parents[1] / "toy_data.txt").read_text()  # reads installed


def made_pipe(job, x, y):
    os.mkfifo("../outside")  # makes a pipe


def connected_database(job, x, y):
    sqlite3.connect(Path("../outside"))  # connects to a file


def addressed_database(job, x, y):
    sqlite3.connect("file:../outside?mode=rwc", uri=True)  # connects by address


def removed_tree(job, x, y):
    shutil.rmtree(Path("../../../data"))  # removes a tree


def listed(job, x, y):
    sorted(Path("/etc").iterdir())  # lists


def wrote(job, x, y):
    Path("../outside").write_text("x")  # writes


def removed(job, x, y):
    Path("../.lock").unlink()  # removes


def imported(job, x, y):
    import toy_undeclared  # imports


def imported_late(job, x, y):
    import toy_trainers.late  # imports late


def printed(job, x, y):
    with tempfile.TemporaryFile() as file:  # below the run's directory, where it may write
        file.write(b"x")
    print('{"kind": "finished"}', flush=True)
    os.write(1, b"\xff{}\n" * 1000)


def drew(job, x, y):
    return random.random()  # draws


def drew_numpy(job, x, y):
    import numpy as np

    return np.random.rand()  # draws NumPy


def drew_held(job, x, y):
    from numpy.random import mtrand

    return mtrand._rand.random_sample()


def reseeded(job, x, y):
    import numpy as np

    np.random.seed(1)  # reseeds


def unseeded(job, x, y):
    return random.Random().random()  # unseeded


def unseeded_numpy(job, x, y):
    import numpy as np

    return np.random.default_rng().random()  # unseeded NumPy


def unseeded_state(job, x, y):
    import numpy as np

    return np.random.RandomState().rand()  # unseeded state


def entropy(job, x, y):
    return os.urandom(1)[0]  # entropy


def system_entropy(job, x, y):
    return os.getrandom(1)[0]  # system entropy


def unseeded_within(job, x, y):
    from numpy.random import _generator

    return _generator.default_rng().random()  # unseeded within


def unseeded_state_within(job, x, y):
    from numpy.random import mtrand

    return mtrand.RandomState().rand()  # unseeded state within


def secret(job, x, y):
    return secrets.randbelow(9)  # secret


def identifier(job, x, y):
    return uuid.uuid4().int % 9  # identifier


def seeded(job, x, y):
    import numpy as np

    made = np.random.RandomState(3)
    assert isinstance(made, np.random.RandomState)
    assert isinstance(np.random.mtrand._rand, np.random.RandomState)
    return made.rand() + np.random.default_rng(3).random() + random.Random(3).random()


def by_the_clock(job, x, y):
    return time.time_ns() % 1_000_003 / 1e9


def talked(job, x, y):
    print("a word of the toy")


def gone(job, x, y):
    print("on my way")
    os._exit(3)


def raised(job, x, y):
    print("printed by the toy", flush=True)
    return {}["no such key"]


def left(job, x, y):
    raise SystemExit(0)


def interrupted(job, x, y):
    raise KeyboardInterrupt


def crashed(job, x, y):
    ctypes.string_at(1)


def ended(job, x, y):
    os._exit(0)


def hung(job, x, y):
    while True:
        time.sleep(0.01)


def lifted(job, x, y):
    """Make the labels writable again."""
    y.flags.writeable = True
    y.base[:] = 0.0


def changed_by_pointer(job, x, y):
    """Write into the labels as compiled code does, which looks at no flag."""
    ctypes.memset(y.ctypes.data, 0, y.nbytes)


def changed(job, x, y):
    x[0, 0] = 1.0


def changed_parameters(job, x, y):
    job.parameters["depth"] = 99
    job.seeds.clear()


def thread(job, x, y):
    threading.Thread(target=hung, args=(job, x, y), daemon=True).start()  # threads


def out_of_memory(job, x, y):
    raise MemoryError


AT_FIT = {
    "talks": talked,
    "goes": gone,
    "swallows a guard": swallowed,
    "fetches": fetched,
    "starts": started,
    "forks": forked,
    "forks in C": forked_in_c,
    "executes in C": executed_in_c,
    "connects in C": connected_in_c,
    "threads in C": threaded_in_c,
    "reads": read,
    "reads CONFIG": read_configuration,
    "reads installed": read_installed,
    "reads its table": read_table,
    "makes a pipe": made_pipe,
    "connects to a file": connected_database,
    "connects by address": addressed_database,
    "removes a tree": removed_tree,
    "system entropy": system_entropy,
    "unseeded within": unseeded_within,
    "unseeded state within": unseeded_state_within,
    "lists": listed,
    "writes": wrote,
    "removes": removed,
    "imports": imported,
    "imports late": imported_late,
    "prints": printed,
    "draws": drew,
    "draws NumPy": drew_numpy,
    "draws held": drew_held,
    "reseeds": reseeded,
    "unseeded": unseeded,
    "unseeded NumPy": unseeded_numpy,
    "unseeded state": unseeded_state,
    "entropy": entropy,
    "secret": secret,
    "identifier": identifier,
    "seeded": seeded,
    "clock": by_the_clock,
    "raises": raised,
    "exits": left,
    "interrupts": interrupted,
    "crashes": crashed,
    "ends": ended,
    "hangs": hung,
    "changes": changed,
    "lifts the flag": lifted,
    "changes as C does": changed_by_pointer,
    "changes parameters": changed_parameters,
    "threads": thread,
    "out of memory": out_of_memory,
}


def set_nan(x, out):
    out[1] = float("nan")
    return out


AT_PREDICT = {
    "short": lambda x, out: out[:-1],
    "flat": lambda x, out: out[:1],
    "wide": lambda x, out: out[:, None],
    "single": lambda x, out: out.astype("f4"),
    "a list": lambda x, out: out.tolist(),
    "NaN": set_nan,
    "infinite": lambda x, out: out / 0.0,
    "writes to x": lambda x, out: x.fill(0.0),
}
