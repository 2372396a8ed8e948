"""Compose one Hydra tree and print it: ``python peer_hydra.py DIR``, by the peers' interpreter."""

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

if __name__ == "__main__":
    with initialize_config_dir(str(Path(sys.argv[1]).resolve()), version_base=None):
        print(OmegaConf.to_yaml(compose("main"), resolve=True))
