import random

import numpy as np
import torch
from numpy.random import default_rng as generator
from sklearn.model_selection import KFold

SEED = 42  # expect: hardcoded-seed
seeds = [1, 2, 3]  # expect: hardcoded-seed
seeds = 3
seed = None
bagging_seed = 7  # expect: hardcoded-seed
np.random.seed(42)  # expect: hardcoded-seed
np.random.seed(seed)
random.seed(0)  # expect: hardcoded-seed
random.Random(1)  # expect: hardcoded-seed
np.random.default_rng(0)  # expect: hardcoded-seed
generator(5)  # expect: hardcoded-seed
np.random.RandomState(seed=3)  # expect: hardcoded-seed
np.random.Generator(np.random.PCG64(2))  # expect: hardcoded-seed
torch.manual_seed(0)  # expect: hardcoded-seed
KFold(5, shuffle=True, random_state=0)  # expect: hardcoded-seed
KFold(5, shuffle=True, random_state=seed)
set_up(seed=False, with_seed=True)
set_up(base_seed=12)  # expect: hardcoded-seed
config.get("seed", 0)  # expect: hardcoded-seed
config["random_state"] = 0  # expect: hardcoded-seed
unrelated.seed(3)


def split(rows, random_state=0):  # expect: hardcoded-seed
    pass


def split_as_told(rows, random_state=None):
    pass
