"""Signals: pure folds of attempt records into what routing may know of each target's behaviour."""

from multiroute_core.signals.book import SignalBook

__all__ = ["SignalBook"]
