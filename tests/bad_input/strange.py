"""Trainers of a stranger that break their environment, installed as any distribution is."""

from __future__ import annotations

import json
import sysconfig
import venv
from pathlib import Path

# What a deed does is chosen by a hyperparameter, and one before the plan by a file beside it.
TRAINER = """
import ctypes, os, threading, time
from pathlib import Path
import numpy as np

EXTENSION = ".txt"
BEFORE = Path(__file__).with_name("before.txt")
FEATURES = []


def flush():
    libm, environment = ctypes.CDLL("libm.so.6"), (ctypes.c_ubyte * 64)()
    libm.fegetenv(environment)
    flags = int.from_bytes(bytes(environment[28:32]), "little") | 0x8040
    environment[28:32] = list(flags.to_bytes(4, "little"))
    libm.fesetenv(environment)


def zone():
    set_ = ctypes.CDLL(None).setenv
    set_(b"TZ", b"XYZ-9", 1)
    time.tzset()
    set_(b"TZ", b"UTC", 1)


def pools():
    import threadpoolctl
    threadpoolctl.threadpool_limits(limits=2, user_api="blas")


DEEDS = {
    "none": lambda: None,
    "variable": lambda: os.environ.update(OMP_NUM_THREADS="4"),
    "new variable": lambda: os.environ.update(ARROW_USER_SIMD_LEVEL="NONE"),
    "variable of C": lambda: os.putenv("OMP_NUM_THREADS", "4"),
    "time zone": zone,
    "pools": pools,
    "thread": lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True).start(),
    "denormals": flush,
    "rounding": lambda: ctypes.CDLL("libm.so.6").fesetround(0x800),
    "underflow": lambda: np.seterr(under="raise"),
    "errors": lambda: np.seterr(all="raise"),
    "umask": lambda: os.umask(0o077),
    "directory": lambda: os.chdir(os.environ["HOME"]),
    "library": lambda: ctypes.CDLL("libresolv.so.2"),
}


def load_library():
    import threadpoolctl
    DEEDS[BEFORE.read_text()]()


def fit(job, x, y, progress):
    DEEDS[job.parameters["deed"]]()
    progress(1, 1)
    FEATURES.append(x.shape[1])
    return dict(job.parameters)


def predict(model, x, threads):
    return np.zeros(len(x))


def save(model, path):
    path.write_text("toy")


def load(path):
    return {}


def effective_parameters(model):
    return model


def rounds(model):
    return None


def importance(model):
    return np.zeros(FEATURES[-1])


def canonical_model(model):
    return b"toy"


def canonical_parts(model):
    return [("toy", b"toy")]
"""
SAID = {"reason": "a toy", "evidence": "none"}
DECLARATION = {
    "family": "toy",
    "title": "A trainer that does what it must not",
    "extra": "none",
    "interface": 1,
    "distributions": [],
    "modules": ["numpy", "threadpoolctl"],
    "shielded": [],
    "tasks": ["regression", "binary"],
    "hyperparameters": {"deed": {"type": "string", "aliases": [], "description": "What it does."}},
    "early_stopping": None,
    "seeds": [],
    "seed_bits": 31,
    "rulebook": [],
    "threads": {"timing": True, "count": True, "beside": 0, **SAID},
    "limits": [{"levels": ["portable"], **SAID}],
}


def interpreter(place: Path) -> Path:
    """Return an interpreter with all that this one has installed, and the toys."""
    venv.create(place, with_pip=False, symlinks=True)
    names = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", names))
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(folder).iterdir():
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    package = site / "strange_trainers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "toy.py").write_text(TRAINER, "utf-8")
    (package / "toy.json").write_text(json.dumps(DECLARATION), "utf-8")
    (package / "before.txt").write_text("none", "utf-8")
    info = site / "strange_trainers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: strange-trainers\nVersion: 1.0\n", "utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[repro.trainers]\ntoy = strange_trainers.toy\n", "utf-8"
    )
    return place / "bin" / "python"


def site_of(python: Path) -> Path:
    """Return the folder of an interpreter's packages."""
    (found,) = python.parent.parent.glob("lib/python*/site-packages")
    return found
