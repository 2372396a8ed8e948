import random
import random as rnd
from random import shuffle
from random import Random, SystemRandom

import numpy
import numpy as np
import numpy.random as npr
from numpy import random as nr
from numpy.random import rand
from sklearn.model_selection import KFold, ShuffleSplit, train_test_split
from sklearn.utils import shuffle as mix

random.random()  # expect: global-randomness
rnd.choice([1])  # expect: global-randomness
shuffle([1])  # expect: global-randomness
np.random.rand(3)  # expect: global-randomness
numpy.random.normal()  # expect: global-randomness
npr.permutation(3)  # expect: global-randomness
nr.choice(3)  # expect: global-randomness
rand()  # expect: global-randomness

np.random.default_rng()  # expect: unseeded-generator
np.random.default_rng(None)  # expect: unseeded-generator
np.random.default_rng(seed=None)  # expect: unseeded-generator
np.random.RandomState()  # expect: unseeded-generator
np.random.seed()  # expect: unseeded-generator
np.random.Generator(np.random.PCG64())  # expect: unseeded-generator
random.Random()  # expect: unseeded-generator
random.seed()  # expect: unseeded-generator
Random()  # expect: unseeded-generator
SystemRandom()  # expect: unseeded-generator

Forest(random_state=None)  # expect: unseeded-generator
KFold(5, shuffle=True)  # expect: unseeded-generator
KFold(5)
KFold(5, shuffle=False, random_state=None)
KFold(5, shuffle=True, **more)
ShuffleSplit(5)  # expect: unseeded-generator
train_test_split(x, y)  # expect: unseeded-generator
train_test_split(x, y, shuffle=False)
train_test_split(x, y, random_state=seed)
mix(x)  # expect: unseeded-generator
frame.sample(frac=0.5)  # expect: unseeded-generator
frame.sample(frac=0.5, random_state=seed)


def ours(rng, seed):
    rng.random()
    rng.shuffle([1])
    own = np.random.default_rng(seed)
    own.normal()
    random = np.random.RandomState(seed)
    random.choice([1])
    np.random.default_rng(*seed)
    return np.random.get_state(), random.random()


def hidden(random, np):
    random.random()
    np.random.rand()


def deferred():
    from random import randint

    return randint(1, 2)  # expect: global-randomness
