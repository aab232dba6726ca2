"""Micro-benchmarks: the parts of training, one at a time. Run by `nox -s micro`, never by the tests."""
