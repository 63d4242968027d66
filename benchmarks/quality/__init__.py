"""How calm and how sharp alarm decisions are: false alarms in control, and delay under drift, beside the peers."""
