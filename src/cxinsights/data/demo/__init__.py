"""The demo company: synthetic data for a whole study, made from a planted truth that tests recover."""

from cxinsights.data.demo.raw import make_demo

__all__ = ["make_demo"]
