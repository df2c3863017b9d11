"""Runs the rules of the watch. They need neither AWS nor a network.

Usage: python -m watch.selftest [names of rules]
"""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).parent


def load_tests(loader, tests, pattern):
    return loader.discover(str(HERE / "tests"), top_level_dir=str(HERE.parent))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
