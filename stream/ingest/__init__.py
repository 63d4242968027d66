"""The hot half: raw messages to events, events to panes, panes to the store."""
