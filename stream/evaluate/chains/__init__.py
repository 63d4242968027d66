"""One kind of one series under its reference: from panes to windows, verdicts and incidents."""
