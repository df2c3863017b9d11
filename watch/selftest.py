"""Runs the rules of the watch. They need neither AWS nor a network.

Usage: python -m watch.selftest [names of rules]
"""

import unittest
from pathlib import Path

HERE = Path(__file__).parent


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    return loader.discover(str(HERE / "tests"), top_level_dir=str(HERE.parent))


if __name__ == "__main__":
    unittest.main(verbosity=1)
