"""The harness of w2vbench: data in, one honest record per run out; knows no algorithm."""

__version__ = "0.1.0"
