"""Event files: JSON lines, CSV and Parquet, plain or gzipped, read as one stream of events.

.jsonl ─────────────────────────────▶ lines ─┐
.csv ─────▶ csv_rows ─┐                      ├─▶ events: merged by time
.parquet ─▶ parquet ──┴─▶ columns ─▶ table ──┘
"""

from stream.files.events import FileEvent, read_events

__all__ = ["FileEvent", "read_events"]
