"""One fit of one family on data made here: prints its seconds as JSON. Run by `levels.py`.

The request is a JSON object in the first argument: module, task, rows, columns, parameters, seeds,
threads. Only the fit is timed: neither the imports nor the making of the data.
"""

import json
import sys
import time
from importlib import import_module

import numpy as np

from repro.trainers.contract import Job

request = json.loads(sys.argv[1])
rows, columns = request["rows"], request["columns"]
drawn = np.random.default_rng(request["columns"])
x = np.ascontiguousarray(drawn.normal(size=(rows, columns)))
y = x[:, 0] - 0.5 * x[:, 1] ** 2 + drawn.normal(size=rows)
if request["task"] == "binary":
    y = (y > 0).astype(np.float64)
names = [f"x{n}" for n in range(columns)]
trainer = import_module(request["module"])
trainer.load_library()
job = Job(request["task"], names, request["parameters"], request["seeds"], request["threads"])
begin = time.perf_counter()
trainer.fit(job, x, y, lambda done, total: None)
json.dump({"seconds": time.perf_counter() - begin}, sys.stdout)
